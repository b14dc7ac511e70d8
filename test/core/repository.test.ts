import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RepositoryPolicy, resolveRepository } from "../../core/repository.ts";

const policy: RepositoryPolicy = {
  gitBaseUrl: "https://github.com/",
  allowed: ["https://github.com/", "https://git.example/team", "ssh://git@github.com/", "file:///srv/git/"],
};

function urlOf(repo: string, by: RepositoryPolicy = policy): string | undefined {
  const resolved = resolveRepository(repo, by);
  return "url" in resolved ? resolved.url : undefined;
}

function refusalOf(repo: string): string | undefined {
  const resolved = resolveRepository(repo, policy);
  return "refusal" in resolved ? resolved.refusal : undefined;
}

describe("owner/name", () => {
  test.each(["Yeachan-Heo/oh-my-codex", "a/b", "1/2", "o.w-n_er/na.me_-", "owner/.github", "owner/name.git"])(
    "%s is looked up on the deployment's git host",
    (repo) => {
      expect(urlOf(repo)).toBe(`https://github.com/${repo}`);
    },
  );

  test("needs no slash at the end of the git host, which may also be a folder or speak ssh", () => {
    expect(urlOf("a/b", { ...policy, gitBaseUrl: "https://git.example/x" })).toBe("https://git.example/x/a/b");
    expect(urlOf("a/b", { ...policy, gitBaseUrl: "file:///srv/git" })).toBe("file:///srv/git/a/b");
    expect(urlOf("a/b", { ...policy, gitBaseUrl: "ssh://git@host/" })).toBe("ssh://git@host/a/b");
  });

  test("is the deployment's own choice of host, so no allow-list is asked", () => {
    expect(urlOf("a/b", { ...policy, allowed: [] })).toBe("https://github.com/a/b");
  });

  test.each([
    ...["owner", "owner/", "/name", "owner/name/more", "owner//name", "../name", "owner/..", "owner/.", "./name"],
    ...["-u/name", ".owner/name", "ow ner/name", "owner/na me", "owner/name\n", "owner/na%2fme", "소유자/이름", ""],
  ])("is not %j", (repo) => {
    expect(refusalOf(repo)).toBe("must be owner/name, or an https, ssh or file URL");
  });
});

describe("a URL", () => {
  test.each([
    ["https://github.com/a/b.git", "https://github.com/a/b.git"],
    ["HTTPS://GitHub.COM:443/a/b", "https://github.com/a/b"],
    ["ssh://git@github.com/a/b", "ssh://git@github.com/a/b"],
    ["git@github.com:a/b.git", "ssh://git@github.com/a/b.git"],
    ["file:///srv/git/a.git", "file:///srv/git/a.git"],
    ["https://git.example/team/a%20b", "https://git.example/team/a%20b"],
    ["https://github.com/x/../a/b", "https://github.com/a/b"],
  ])("%s that the allow-list admits is cloned as %s", (repo, url) => {
    expect(urlOf(repo)).toBe(url);
  });

  test("may be an entry of the allow-list itself, so that a deployment can admit a single repository", () => {
    const allowed = ["https://git.example/team/app"];

    expect(urlOf("https://git.example/team/app", { ...policy, allowed })).toBe("https://git.example/team/app");
    expect(urlOf("https://git.example/team/app-2", { ...policy, allowed })).toBeUndefined();
  });

  test.each([
    ["another host that begins alike", "https://github.com.evil/a/b"],
    ["a host that stands behind an @", "https://github.com@evil.example/a/b"],
    ["another port", "https://github.com:8443/a/b"],
    ["an unencrypted connection", "http://github.com/a/b"],
    ["a folder that begins alike", "https://git.example/teamwork/a"],
    ["a way out of a folder by dots", "https://git.example/team/../other/a"],
    ["a way out of a folder by escaped dots", "https://git.example/team/%2e%2E/other/a"],
    ["a way out of a folder by backslashes", "https://git.example/team\\..\\other"],
    ["a way out of the file folder", "file:///srv/git/../../etc"],
    ["a way out by an escaped slash, which git unescapes", "file:///srv/git/..%2f..%2Fetc"],
    ["a way out by an escaped slash, over ssh", "ssh://git@github.com/a/..%2f..%2fb"],
    ["a way out by dots in a query, which git takes for a path", "file:///srv/git/a?/../../../etc"],
    ["a way out by dots in a fragment, which git takes for a path", "file:///srv/git/a#/../../../etc"],
    ["a file of another host", "file://evil.example/srv/git/a"],
    ["another user over ssh", "ssh://root@github.com/a/b"],
    ["another host, written as git does", "git@evil.example:a/b"],
    ["an option for ssh as a host", "ssh://-oProxyCommand=touch/a"],
    ["a user in the place of the host", "ssh://git@github.com@evil.example/a"],
  ])("is refused when it is %s", (_what, repo) => {
    expect(refusalOf(repo)).toBeDefined();
  });

  test.each([
    "https://user:password@github.com/a/b",
    "https://ghp_token@github.com/a/b",
    "https://:x@github.com/a/b",
    "ssh://git:password@github.com/a/b",
  ])("with a credential is refused, and the refusal does not repeat it: %s", (repo) => {
    expect(refusalOf(repo)).toBe("must not hold a credential; give the deployment a git token instead");
  });

  test.each([
    ...["ext::sh -c id", "fd::7", "git://github.com/a/b", "ftp://github.com/a", "javascript:alert(1)"],
    ...["data:text/plain,x", "git+ssh://git@github.com/a/b", "C:\\repo"],
  ])("of a kind that is not cloned is refused: %s", (repo) => {
    expect(refusalOf(repo)).toMatch(/^must be an https, ssh or file URL, not /);
  });

  test.each(["-ufoo", "--upload-pack=touch /tmp/x", "--config=core.sshCommand=x", "-", "--", "/etc/passwd", "./a"])(
    "is no option and no path: %s",
    (repo) => {
      expect(refusalOf(repo)).toBeDefined();
    },
  );

  test("that is refused says what this deployment allows", () => {
    expect(refusalOf("https://evil.example/a")).toBe(
      `is not among the repositories that this deployment allows: ${policy.allowed.join(", ")}`,
    );
  });
});

test("Whatever is written, what is cloned lies below an allowed prefix, also once git has unescaped it", async () => {
  const pieces = fc.constantFrom(
    ...["https://", "ssh://", "file:///", "git@", "github.com", "git.example", "/team", "/srv/git", ":", "@", "/"],
    ...["..", ".", "%2e", "%2f", "%2F", "%252f", "\\", "?", "#", "a", "evil", "-u", " ", "\n", "\t", "::", "%00"],
  );
  await fc.assert(
    fc.property(fc.constantFrom("", ...policy.allowed), fc.array(pieces, { maxLength: 8 }), (start, parts) => {
      const url = urlOf(start + parts.join(""));
      if (url === undefined) return;
      const seenByGit = decodeURIComponent(url);
      expect(policy.allowed.some((prefix) => seenByGit.startsWith(prefix))).toBe(true);
      expect(seenByGit.split("/")).not.toContain("..");
    }),
    { numRuns: 5_000 },
  );
});
