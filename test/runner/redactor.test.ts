import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor, type Redactor } from "../../runner/redactor.ts";

function whole(redactor: Redactor, ...pieces: readonly string[]): string {
  return pieces.map((piece) => redactor.push(piece)).join("") + redactor.flush();
}

function redact(secrets: Record<string, string>, ...pieces: readonly string[]): string {
  return whole(createRedactor(secrets), ...pieces);
}

/** Cuts a text at the given fractions of its length, between code points. */
function split(text: string, fractions: readonly number[]): string[] {
  const characters = [...text];
  const cuts = fractions.map((fraction) => Math.floor(fraction * characters.length)).sort((a, b) => a - b);
  return [0, ...cuts].map((start, index) => characters.slice(start, cuts[index]).join(""));
}

const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

const encodings: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => JSON.stringify(secret).slice(1, -1),
  (secret) => encodeURIComponent(secret),
  (secret) => Buffer.from(secret).toString("base64"),
];

/** Its characters are none of the noise's, whatever the encoding: so it is known what is to be replaced. */
const secret = fc.string({ minLength: 6, maxLength: 40, unit: fc.constantFrom(...'aZ09+/=_-"\\%$^*().[]|비밀🔑') });
const noise = fc.string({ maxLength: 12, unit: fc.constantFrom(" ", "\n", "\x1b", ",", "한", "🙂", "\ufffd") });

describe("Any split of a text with secrets planted in it", () => {
  test("gives the text with each secret replaced by its name and nothing else changed.", () => {
    const planted = fc.array(fc.tuple(noise, fc.nat(3), fc.nat(3)), { maxLength: 10 });
    const secrets = fc.uniqueArray(secret, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(secrets, planted, noise, fractions, (values, pieces, end, cuts) => {
        const parts = pieces.map(([before, which, how]) => {
          const index = which % values.length;
          return { before, index, form: encodings[how]?.(values[index] ?? "") ?? "" };
        });
        // A separator, so that one secret does not happen to run into the next.
        const text = parts.map(({ before, form }) => `${before} ${form} `).join("") + end;
        const shown = parts.map(({ before, index }) => `${before} [redacted:S${index}] `).join("") + end;
        const independent = values.every((one) =>
          values.every((other) => one === other || encodings.every((encode) => !encode(one).includes(encode(other)))),
        );
        fc.pre(independent && formsAreDistinct(values));
        const named = Object.fromEntries(values.map((value, index) => [`S${index}`, value]));
        expect(redact(named, ...split(text, cuts))).toBe(shown);
      }),
    );
  });

  test("gives what the leftmost, longest secrets give, also where they overlap and begin one another.", () => {
    const base = "abababbaabab";
    const part = fc.tuple(fc.nat(base.length), fc.nat(base.length)).map(([from, to]) => base.slice(from, to));
    const overlapping = fc.uniqueArray(part, { maxLength: 6 }).map((all) => all.filter((one) => one.length >= 6));
    const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(overlapping, text, fractions, (values, content, cuts) => {
        const named = Object.fromEntries(values.map((value) => [value, value]));
        expect(redact(named, ...split(content, cuts))).toBe(leftmostLongest(values, content));
      }),
      { numRuns: 2_000 },
    );
  });

  test("never holds back more than the longest form of a secret, and says how much in UTF-8 bytes.", () => {
    fc.assert(
      fc.property(secret, fractions, (value, cuts) => {
        const redactor = createRedactor({ NAME: value });
        const longest = Math.max(...encodings.map((encode) => Buffer.byteLength(encode(value))));
        let [given, shown] = ["", ""];
        for (const piece of split(` ${value.slice(0, -1)} ${value.slice(0, 4)}`, cuts)) {
          given += piece;
          shown += redactor.push(piece);
          expect(redactor.heldBytes).toBe(Buffer.byteLength(given.slice(shown.length)));
          expect(redactor.heldBytes).toBeLessThan(longest);
        }
        expect(shown + redactor.flush()).toBe(given);
        expect(redactor.heldBytes).toBe(0);
      }),
    );
  });
});

/** Two secrets may share a form, as one that is the other's base64; which name stands for it is then open. */
function formsAreDistinct(values: readonly string[]): boolean {
  const forms = values.map((value) => encodings.map((encode) => encode(value)));
  return forms.every((one, index) =>
    forms.slice(index + 1).every((other) => !other.some((form) => one.includes(form))),
  );
}

/** Said anew and slowly: what the redactor does with the whole text at hand. */
function leftmostLongest(secrets: readonly string[], text: string): string {
  const longestFirst = secrets.toSorted((first, second) => second.length - first.length);
  let result = "";
  for (let at = 0; at < text.length; ) {
    const found = longestFirst.find((candidate) => text.startsWith(candidate, at));
    result += found === undefined ? text[at] : `[redacted:${found}]`;
    at += found?.length ?? 1;
  }
  return result;
}

test("A secret that begins another is not taken for it, nor is the rest of the longer one shown.", () => {
  const secrets = { SHORT: "secret", LONG: "secret-and-more" };
  expect(redact(secrets, "x secret", "-and-more y")).toBe("x [redacted:LONG] y");
  expect(redact(secrets, "x secret", "-and-less y")).toBe("x [redacted:SHORT]-and-less y");
  expect(redact(secrets, "x secret")).toBe("x [redacted:SHORT]");
});

test("A secret inside another one does not uncover the outer one's end.", () => {
  const secrets = { INNER: "inner-one", OUTER: "<<inner-one>>" };
  expect(redact(secrets, "<<inner-one", ">>")).toBe("[redacted:OUTER]");
  expect(redact(secrets, "<<inner-one", ">!")).toBe("<<[redacted:INNER]>!");
});

test("A secret is found one character at a time, and what surrounds it is not held back.", () => {
  const redactor = createRedactor({ TOKEN: "ghp_abcdef" });
  expect(redactor.push("before ")).toBe("before ");
  expect([..."ghp_abcdef"].map((character) => redactor.push(character))).toEqual([
    ...Array.from("ghp_abcde", () => ""),
    "[redacted:TOKEN]",
  ]);
  expect(redactor.push(" after")).toBe(" after");
});

test.each([
  ["in basic authentication", "x-access-token:ghp_0123456789abcdef", "ghp_0123456789abcdef"],
  ["behind a user name of any length", "me:ghp_0123456789abcdef", "ghp_0123456789abcdef"],
  ["in front of a line end", "ghp_0123456789abcde\n", "ghp_0123456789abcde"],
  ["between other text", "a비밀:열쇠와 자물쇠 and more", "열쇠와 자물쇠"],
])("A secret in base64 together with other text is replaced: %s.", (_, text, token) => {
  const shown = redact({ TOKEN: token }, `Authorization: Basic ${Buffer.from(text).toString("base64")}\r\n`);
  expect(shown).toContain("[redacted:TOKEN]");
  // Single characters at its ends may hold bits of it; no run of it is left.
  const rest = shown.slice("Authorization: Basic ".length).split("[redacted:TOKEN]");
  const decoded = rest.map((part) => Buffer.from(part, "base64").toString("latin1")).join(" ");
  for (let start = 0; start + 3 <= token.length; start++) expect(decoded).not.toContain(token.slice(start, start + 3));
});

test("A secret of several lines is replaced as a terminal shows it.", () => {
  expect(redact({ KEY: "-----BEGIN\nabcdef\nEND-----" }, "-----BEGIN\r\nabc", "def\r\nEND-----\r\n")).toBe(
    "[redacted:KEY]\r\n",
  );
});

test("A secret shorter than six characters is ignored: it would hide ordinary text.", () => {
  expect(redact({ SHORT: "abcde", EMPTY: "", LONG: "abcdef" }, "abcde abcdef")).toBe("abcde [redacted:LONG]");
});

test("Without secrets nothing is held back.", () => {
  const redactor = createRedactor({});
  expect(redactor.push("text")).toBe("text");
  expect(redactor.heldBytes).toBe(0);
});

test("Characters that mean something in a pattern or a replacement are only themselves.", () => {
  const value = "$&.*+?(a|b)[c]{2}^\\-/$1";
  expect(redact({ "A$&B": value }, `<${value}>`)).toBe("<[redacted:A$&B]>");
  expect(redact({ NAME: value }, "<$&.*+?(a)[c]{2}^\\-/$1>")).toBe("<$&.*+?(a)[c]{2}^\\-/$1>");
});
