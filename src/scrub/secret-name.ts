/**
 * How much a name says about its value. `secret`: nothing else is called so. `likely`: by BuildKit's rule SecretsUsedInArgOrEnv a
 * secret, but keys of caches and of tables are called so too. `vague`: a secret only if the value looks like one.
 */
export type NameStrength = "secret" | "likely" | "vague" | "none";

const SECRET_WORD = /^(?:pass(?:word|wd|phrase|code)|\w*password|\w*passwd|\w*passphrase|pword|pwd|pat|jwt|\w*secret|secrets|\w*token|\w*credentials?|\w*(?:api|access|secret|private|account|signing|encryption|master)key)$/;
/** What every such name has a part of. */
const PART_OF_SECRET_NAME = /pass|pwd|pword|secret|token|key|auth|cred|jwt|cookie|session|sig|sas|pat|salt|dsn|pin/i;
/** `pass` within other words. */
const NO_PASS = /^(?:by|com|tres|sur|encom|over|under)pass$/;
/** What makes a key one that opens something. */
const KEY_OWNER = /^(?:api|access|secret|private|account|shared|signing|encryption|encrypt|encoded|master|auth|deploy|deployment|license|licence|service|storage|app|application|client|consumer|subscription|integration|ingestion|hmac|webhook|admin|root|session|jwt|cookie|security|secure|recovery|write|user|project)$/;
/** What makes a key one that is public, or names a row, a line or an entry. */
const KEY_OF_OTHERS = /^(?:public|pub|primary|foreign|partition|sort|sorting|cache|index|hash|row|object|routing|group|grouping|host|translation|idempotency|map|lookup|hot|arrow)$/;
/** Last words of names that speak of a secret, and do not hold it. */
const ABOUT = new Set(
  ("name names id ids file files filename path paths dir directory folder location url urls uri host hosts hostname port endpoint server domain issuer audience scope scopes realm " +
  "type types kind class format alg algo algorithm method mode provider backend driver store vault manager policy rotation rules length len size min max limit count number " +
  "ttl timeout expiry expires expiration expire lifetime age duration interval days hours minutes seconds version versions enabled enable disabled disable required optional supported " +
  "prefix suffix header headers field column label description desc help hint prompt title comment pattern regex template arn ref reference source src target mount env var variable sock socket stdin stdout " +
  "sha md digest checksum fingerprint thumbprint integrity cert certificate certs ca bundle usage evidence strategy user users username email").split(" "),
);

/** The words of a name: `NPM_AUTH_TOKEN`, `npm-auth-token`, `npmAuthToken` and `NPM_AUTH_TOKEN2` have the same. */
function wordsOf(name: string): readonly string[] {
  return (name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
}

/** Judges the name of a variable, an option, a header or a member. */
export function nameStrength(name: string): NameStrength {
  if (!PART_OF_SECRET_NAME.test(name)) return "none";
  const words = wordsOf(name);
  const last = words.at(-1) ?? "";
  if (ABOUT.has(last) || words.some((word) => word === "public" || word === "pub")) return "none";
  // The working directory is called so, and the password of a connection string.
  if (words.length === 1 && last === "pwd") return "vague";
  if (last === "pwd" && words.at(-2) === "old") return "none";
  if (isPass(last, words) || words.some((word, i) => SECRET_WORD.test(word) || (word === "key" && KEY_OWNER.test(words[i - 1] ?? "")))) return "secret";
  if (words.some((word, i) => word === "key" && !KEY_OF_OTHERS.test(words[i - 1] ?? "") && words.length > 1) || words.includes("auth")) return "likely";
  return words.some((word) => /^(?:key|keys|tokens?|sas|sig|signature|session|cookie|salt|dsn|pin|passes)$/.test(word)) ? "vague" : "none";
}

function isPass(word: string, words: readonly string[]): boolean {
  return word.endsWith("pass") && !NO_PASS.test(word) && (word !== "pass" || words.length > 1);
}

const PROXY = /^(?:https?|ftp|all)_proxy$/i;

/** Of the predefined proxy variables, those whose value is a URL. */
export function isProxyName(name: string): boolean {
  return PROXY.test(name);
}
