/** Secrets shorter than this would hide ordinary text. */
const shortestSecretCharacters = 6;

export interface Redactor {
  /** The text so far that can be shown: secrets replaced, a possible beginning of one held back. */
  push(text: string): string;
  /** What was held back. */
  flush(): string;
  /** UTF-8 bytes that are held back now. */
  readonly heldBytes: number;
}

/** Replaces each secret, also when it comes in pieces, by `[redacted:NAME]`. One redactor per stream of text. */
export function createRedactor(secrets: Readonly<Record<string, string>>): Redactor {
  const names = new Map<string, string>();
  for (const [name, secret] of Object.entries(secrets)) {
    if (secret.length < shortestSecretCharacters) continue;
    for (const form of formsOf(secret)) names.set(form, name);
  }
  const forms = [...names.keys()].sort((first, second) => second.length - first.length);
  const pattern = forms.length > 0 ? new RegExp(forms.map((form) => escapeForPattern(form)).join("|"), "g") : undefined;
  const show = (text: string) => (pattern ? text.replace(pattern, (form) => `[redacted:${names.get(form)}]`) : text);

  let held = "";
  return {
    push(text) {
      const all = held + text;
      const end = safeEnd(all, forms, pattern);
      held = all.slice(end);
      return show(all.slice(0, end));
    },
    flush() {
      const rest = show(held);
      held = "";
      return rest;
    },
    get heldBytes() {
      return Buffer.byteLength(held);
    },
  };
}

/** A program may print a secret inside JSON, in a URL, or as basic authentication. */
function formsOf(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), btoa(encodeUtf8(secret))];
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function encodeUtf8(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** Where the text can be cut without cutting a secret: before the first suffix that begins one, unless inside a whole one. */
function safeEnd(text: string, forms: readonly string[], pattern: RegExp | undefined): number {
  const longest = forms[0]?.length ?? 0;
  let wholeUntil = 0;
  if (pattern) for (const match of text.matchAll(pattern)) wholeUntil = match.index + match[0].length;
  for (let start = Math.max(wholeUntil, text.length - longest + 1); start < text.length; start++) {
    const suffix = text.slice(start);
    if (forms.some((form) => form.length > suffix.length && form.startsWith(suffix))) return start;
  }
  return text.length;
}
