import { DamagedFileError } from "../read-file.ts";

/** For different interpreters one name may be locked in several versions. A bound on what a hostile file can make us multiply. */
const VERSIONS_MAX = 100;

/** Keys by the name that they are for. Throws DamagedFileError. */
export function keysByName(named: Iterable<readonly [key: string, name: string]>): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, string[]>();
  for (const [key, name] of named) {
    const others = keys.get(name);
    if (others === undefined) keys.set(name, [key]);
    else if (others.push(key) > VERSIONS_MAX) throw new DamagedFileError(`more than ${VERSIONS_MAX} versions of one package`);
  }
  return keys;
}
