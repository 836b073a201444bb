/** One way to get a mount namespace, to be tried in the order of `unshareCommands`. */
export interface UnshareCommand {
  readonly manyIds: boolean;
  readonly argv: readonly [string, ...string[]];
}

export interface UnshareSetting {
  /** Effective user id of this process. */
  readonly userId: number;
  readonly unsharePath: string;
  /** True where /etc/subuid and /etc/subgid give this user a range and newuidmap is installed. */
  readonly subordinateIds: boolean;
  readonly nodePath: string;
  readonly holderPath: string;
}

/**
 * Process 1 inside. It tells its number as seen from outside, which only the old /proc knows, brings a /proc of our
 * own where the system lets us, starts the holder on the real standard input (a background job would get /dev/null)
 * and reaps orphans until the holder ends. Its end takes every process and every mount with it.
 */
const FIRST_PROCESS = `
IFS=' ' read -r pid rest < /proc/self/stat
if mount -t proc -o nosuid,nodev,noexec proc /proc 2>/dev/null; then own=own-proc; else own=old-proc; fi
printf '{"kind":"entered","pid":%s}\\n' "$pid"
exec 3<&0
"$@" "$own" <&3 3<&- &
exec 3<&- 0</dev/null
wait "$!"
`;

/** Best first: as root without a user namespace, then with all ids that we may have, then with our own id alone. */
export function unshareCommands(setting: UnshareSetting): readonly UnshareCommand[] {
  const flags = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"];
  const inner = ["/bin/sh", "-c", FIRST_PROCESS, "stemma", setting.nodePath, setting.holderPath];
  const command = (manyIds: boolean, extra: readonly string[]): UnshareCommand => ({
    manyIds,
    argv: [setting.unsharePath, ...extra, ...flags, "--", ...inner],
  });
  const commands = [];
  if (setting.userId === 0) commands.push(command(true, []));
  if (setting.subordinateIds) commands.push(command(true, ["--user", "--map-root-user", "--map-auto"]));
  commands.push(command(false, ["--user", "--map-root-user"]));
  return commands;
}

/** True when a line of /etc/subuid or /etc/subgid gives a range to the user, by name or by number. */
export function hasSubordinateRange(text: string, user: { readonly name: string; readonly id: number }): boolean {
  return text.split("\n").some((line) => {
    const [owner, start, count] = line.split(":");
    return (owner === user.name || owner === String(user.id)) && start !== undefined && Number(count) > 0;
  });
}

/** The kernel's switches that can forbid user namespaces, with the value that does. */
export const USER_NAMESPACE_SWITCHES: ReadonlyArray<{ readonly path: string; readonly forbids: string; readonly advice: string }> = [
  { path: "/proc/sys/user/max_user_namespaces", forbids: "0", advice: "sysctl -w user.max_user_namespaces=28633" },
  { path: "/proc/sys/kernel/unprivileged_userns_clone", forbids: "0", advice: "sysctl -w kernel.unprivileged_userns_clone=1" },
  {
    path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    forbids: "1",
    advice: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows userns for node",
  },
];
