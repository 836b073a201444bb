import exceptions from "spdx-exceptions/index.json" with { type: "json" };
import deprecated from "spdx-license-ids/deprecated.json" with { type: "json" };
import ids from "spdx-license-ids/index.json" with { type: "json" };

const IDS = byLowerCase([...ids, ...deprecated]);
const EXCEPTIONS = byLowerCase(exceptions);

/**
 * Short names of Debian (copyright-format/1.0, "Short name") and of Fedora before it took those of SPDX, as `plain` writes
 * them. Those that stand for several licences, such as `BSD` or `Artistic`, are left out: they name none.
 */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map(Object.entries({
  expat: "MIT", "mit x11": "MIT", "asl 1.0": "Apache-1.0", "asl 1.1": "Apache-1.1", "asl 2.0": "Apache-2.0", "asl 2": "Apache-2.0", apache2: "Apache-2.0",
  "apache 1.0": "Apache-1.0", "apache 1.1": "Apache-1.1", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0",
  "3 clause bsd": "BSD-3-Clause", "bsd 3 clause": "BSD-3-Clause", "new bsd": "BSD-3-Clause", "modified bsd": "BSD-3-Clause", "bsd 3": "BSD-3-Clause", "revised bsd": "BSD-3-Clause",
  "2 clause bsd": "BSD-2-Clause", "bsd 2 clause": "BSD-2-Clause", "simplified bsd": "BSD-2-Clause", "bsd 2": "BSD-2-Clause", boost: "BSL-1.0", "boost 1.0": "BSL-1.0",
  "mpl1.0": "MPL-1.0", "mpl1.1": "MPL-1.1", "mpl2.0": "MPL-2.0", mpl2: "MPL-2.0", "mpl 1.0": "MPL-1.0", "mpl 1.1": "MPL-1.1", "mpl 2.0": "MPL-2.0",
  "mozilla public 1.1": "MPL-1.1", "mozilla public 2.0": "MPL-2.0", epl: "EPL-1.0", "epl 1.0": "EPL-1.0", "epl 2.0": "EPL-2.0",
  "eclipse public 1.0": "EPL-1.0", "eclipse public 2.0": "EPL-2.0", cpl: "CPL-1.0", cddl: "CDDL-1.0", ibm: "IPL-1.0", cc0: "CC0-1.0", "cc0 1.0 universal": "CC0-1.0",
  ofl: "OFL-1.1", "sil open font 1.1": "OFL-1.1", qpl: "QPL-1.0", "efl 2": "EFL-2.0", "zope 2.1": "ZPL-2.1", "zpl2.1": "ZPL-2.1", "zpl2.0": "ZPL-2.0",
  "bitstream vera": "Bitstream-Vera", "artistic 2.0": "Artistic-2.0", "zlib libpng": "Zlib", "universal permissive": "UPL-1.0", "european union public 1.2": "EUPL-1.2",
}));
const SHORT_EXCEPTIONS: ReadonlyMap<string, string> = new Map([["classpath", "Classpath-exception-2.0"], ["font", "Font-exception-2.0"]]);

/** The licences of GNU, however their versions are written: `GPLv2+`, `LGPL-2.1`, `GNU Affero General Public License v3 or later`. */
const GNU = /^(?:gnu )?(?:(affero|lesser|library) )?(?:(a|l)?gpl|general public|(free documentation|gfdl)( niv)?) ?(\d(?:\.\d)?)(\+| ?or (?:any )?later| ?or newer)?(?: only)?$/;
/** SPDX has two ids of each version of these. */
const WITH_LATER = /^(?:A|L)?GPL-\d\.\d$|^GFDL-\d\.\d$/;

/** The id of SPDX for the name of one licence, with `+` where that is written; undefined for a name that is none of one licence. */
export function licenseId(name: string): string | undefined {
  const listed = IDS.get(name.toLowerCase());
  if (listed !== undefined) return WITH_LATER.test(listed) ? `${listed}-only` : listed;
  const later = name.endsWith("+") ? IDS.get(name.slice(0, -1).toLowerCase()) : undefined;
  if (later !== undefined) return WITH_LATER.test(later) ? `${later}-or-later` : later.endsWith("-or-later") ? later : `${later}+`;
  // The last part of a classifier of PyPI, and the name of a text that every Debian has.
  const last = name.replace(/^.* :: /, "").replace(/^\/usr\/share\/common-licenses\/(?!(?:[AL]?GPL|GFDL))/, "");
  if (last !== name) return licenseId(last);
  const words = plain(name);
  return SHORT_NAMES.get(words) ?? IDS.get(words) ?? gnuId(words);
}

/** The id of SPDX for the name of an exception: `LLVM exception`, `Classpath`. */
export function exceptionId(name: string): string | undefined {
  const words = name.toLowerCase().replaceAll(/\s+/g, "-");
  const bare = words.replace(/-exceptions?$/, "");
  return EXCEPTIONS.get(words) ?? EXCEPTIONS.get(`${bare}-exception`) ?? EXCEPTIONS.get(bare) ?? SHORT_EXCEPTIONS.get(bare);
}

function gnuId(name: string): string | undefined {
  const [, word, letter, documentation, niv, version = "", later] = GNU.exec(name) ?? [];
  if (version === "") return undefined;
  const full = version.includes(".") ? version : `${version}.0`;
  const prefix = (word ?? letter ?? "").charAt(0).toUpperCase();
  const family = documentation === undefined ? `${prefix}GPL` : "GFDL";
  const invariants = niv === undefined ? "" : "-no-invariants";
  return IDS.get(`${family}-${full}${invariants}-${later === undefined ? "only" : "or-later"}`.toLowerCase());
}

/** Without what differs between writers: words that every name has, abbreviations in brackets, punctuation, the `v` of versions. */
function plain(name: string): string {
  return name.toLowerCase()
    .replaceAll(/\([^()]*\)/g, " ")
    .replaceAll(/\b(?:the|licen[cs]es?|version|software)\b/g, " ")
    .replaceAll(/(?<=[a-z\s,-])v\.?\s*(?=\d)/g, "")
    .replaceAll(/[\s,_/-]+/g, " ")
    .trim();
}

function byLowerCase(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}
