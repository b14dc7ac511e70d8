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

/** A program may print a secret line by line, inside JSON, in a URL, or in base64, alone or within other text. */
function formsOf(secret: string): string[] {
  const onTerminal = secret.replaceAll("\n", "\r\n");
  const base64 = Buffer.from(secret).toString("base64");
  const within = [0, 1, 2].map((bytesBefore) => base64Within(secret, bytesBefore));
  return [secret, onTerminal, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), base64, ...within];
}

/** The characters that no neighbour changes, where the secret begins `bytesBefore` bytes into base64's groups of three. */
function base64Within(secret: string, bytesBefore: number): string {
  const bytes = Buffer.concat([Buffer.alloc(bytesBefore), Buffer.from(secret)]);
  return bytes.toString("base64").slice(Math.ceil((bytesBefore * 4) / 3), Math.floor((bytes.length * 4) / 3));
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** Where the text can be cut: before the first suffix that may yet become a secret, unless a whole one has taken it. */
function safeEnd(text: string, forms: readonly string[], pattern: RegExp | undefined): number {
  const longest = forms[0]?.length ?? 0;
  const found = pattern ? [...text.matchAll(pattern)] : [];
  for (let start = Math.max(0, text.length - longest + 1); start < text.length; start++) {
    const suffix = text.slice(start);
    const mayGrow = forms.some((form) => form.length > suffix.length && form.startsWith(suffix));
    // Only a secret that begins earlier: one that begins here may be the beginning of a longer one.
    const isTaken = found.some(({ index, 0: form }) => index < start && start < index + form.length);
    if (mayGrow && !isTaken) return start;
  }
  return text.length;
}
