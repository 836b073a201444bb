interface Culprit {
  readonly path: RegExp;
  readonly advice: string;
}

/** Files that differ in images all over the world, and what is done about them. */
const CULPRITS: readonly Culprit[] = [
  { path: /^var\/cache\/ldconfig\/aux-cache$/, advice: "ldconfig's cache holds inode numbers and times: remove it in the same RUN" },
  { path: /^var\/log\//, advice: "logs hold times: remove them in the same RUN" },
  { path: /^var\/lib\/apt\/lists\/|^var\/cache\/(?:apt|debconf)\//, advice: "the package manager's lists and caches are those of the moment: remove them in the same RUN, or put them into a cache mount" },
  { path: /^(?:etc\/machine-id|var\/lib\/dbus\/machine-id|etc\/ssh\/ssh_host_\w+_key(?:\.pub)?)$/, advice: "this is meant to be another on each machine: make it when the container starts" },
  { path: /^etc\/shadow-?$/, advice: "useradd writes the day into /etc/shadow: most versions take it from SOURCE_DATE_EPOCH" },
  { path: /\.py[co]$/, advice: "Python writes the source's time into compiled files: set PYTHONDONTWRITEBYTECODE=1, or compile with --invalidation-mode=unchecked-hash" },
  { path: /\.(?:gz|tgz)$/, advice: "gzip writes a time and a name into its header: use gzip -n" },
  { path: /\.(?:jar|war|zip|whl)$/, advice: "archives hold times of files: most tools that write them take SOURCE_DATE_EPOCH" },
  { path: /\.a$/, advice: "ar writes times and owners: use ar -D" },
];

/** What is known of files by these names, each advice once, with the first path that it is for. */
export function knownCulprits(paths: Iterable<string>): readonly string[] {
  const found = new Map<Culprit, string>();
  for (const path of paths) {
    const culprit = CULPRITS.find((each) => each.path.test(path));
    if (culprit !== undefined && !found.has(culprit)) found.set(culprit, path);
  }
  return [...found].map(([{ advice }, path]) => `/${path}: ${advice}`);
}
