/** Where a package came from that is not its ecosystem's registry, as qualifiers of its package-url (purl-spec, annex B). */

/** A commit of a repository. `url` may begin with the kind of version control, as in `git+https:`. */
export function repositoryQualifier(url: string, commit: string | undefined): Readonly<Record<string, string>> {
  const clean = withoutSecrets(url.startsWith("git+") ? url.slice("git+".length) : url);
  const scheme = clean?.startsWith("git:") === true ? "" : "git+";
  return clean === undefined ? {} : { vcs_url: `${scheme}${clean}${commit === undefined ? "" : `@${commit}`}` };
}

/** A file of the net; nothing for a path of the machine on which the lock file was made. */
export function downloadQualifier(url: string): Readonly<Record<string, string>> {
  const clean = /^https?:/i.test(url) ? withoutSecrets(url) : undefined;
  return clean === undefined ? {} : { download_url: clean };
}

/** Names, passwords and queries may be credentials: a document is for others to read. */
export function withoutSecrets(text: string): string | undefined {
  const scp = /^([^@/:\s]+)@([^/:\s]+):(?!\/)([^?#\s]*)/.exec(text);
  const url = URL.parse(scp === null ? text : `ssh://${scp[1]}@${scp[2]}/${scp[3]}`);
  if (url === null) return undefined;
  // The user that everybody is at the hosts of repositories.
  if (url.username !== "git") url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href;
}
