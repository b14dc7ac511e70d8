/** Where a deployment lets jobs clone from. */
export interface RepositoryPolicy {
  /** What `owner/name` is appended to: `https://github.com/`, or `file:///srv/git/`. */
  readonly gitBaseUrl: string;
  /** The URLs of single repositories, or of folders of them. */
  readonly allowed: readonly string[];
}

export type ResolvedRepository = { readonly url: string } | { readonly refusal: string };

const ownerAndName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*)\/[A-Za-z0-9_.-]+$/;
const scpLike = /^(?<user>[A-Za-z0-9_.-]+)@(?<host>[A-Za-z0-9.-]+):(?!\/)(?<path>.+)$/;
const cloneable = new Set(["https:", "ssh:", "file:"]);

/** `owner/name`, a URL, or git's `user@host:path`, as the URL to clone; or why it will not be cloned. */
export function resolveRepository(repo: string, policy: RepositoryPolicy): ResolvedRepository {
  const isShort = ownerAndName.test(repo) && !repo.split("/").some((part) => /^\.+$/.test(part));
  const text = isShort ? `${withSlash(policy.gitBaseUrl)}${repo}` : asUrl(repo);
  if (!URL.canParse(text)) return { refusal: "must be owner/name, or an https, ssh or file URL" };
  const url = new URL(text);
  if (!cloneable.has(url.protocol)) return { refusal: `must be an https, ssh or file URL, not ${url.protocol}` };
  if (url.password !== "" || (url.username !== "" && url.protocol !== "ssh:")) {
    return { refusal: "must not hold a credential; give the deployment a git token instead" };
  }
  // git unescapes a path, and takes what follows `?` or `#` for a part of it, before it is looked up.
  if (/%2f|[?#]/i.test(url.href)) return { refusal: "must not hold a query, a fragment or an escaped slash" };
  // The parsed form, so that `..` and escapes cannot lead out of an allowed prefix.
  const isAllowed = policy.allowed.some((prefix) => url.href === prefix || url.href.startsWith(withSlash(prefix)));
  if (!isShort && !isAllowed) {
    return { refusal: `is not among the repositories that this deployment allows: ${policy.allowed.join(", ")}` };
  }
  return { url: url.href };
}

function asUrl(repo: string): string {
  const match = scpLike.exec(repo);
  return match ? `ssh://${match.groups?.user}@${match.groups?.host}/${match.groups?.path}` : repo;
}

function withSlash(base: string): string {
  return base.endsWith("/") ? base : `${base}/`;
}
