import { positionals } from "./package-managers.ts";
import type { RunCommand } from "./run-commands.ts";
import type { Observation, Subject } from "./subject.ts";

/** RUN that takes something from the network, and checks nothing of what it got. */
export function unverifiedFetch({ commands }: Subject): readonly Observation[] {
  return [...commands].flatMap(([at, run]) => {
    const verified = run.some((command) => verifies(command, run));
    const fetched = run.find((command) => (command.name === "git" ? clones(command) && !run.some(namesCommit) : !verified && downloads(command)));
    if (fetched === undefined) return [];
    return [{ at, message: `${fetched.name} fetches over the network, and nothing in this RUN checks what came` }];
  });
}

const NO_TRANSFER = new Set(["--version", "-V", "--help", "-h", "-I", "--head", "--spider"]);
const LOOPBACK = /^(?:https?:\/\/)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/;
const COMMIT = /(?:^|[@/:])[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

function clones({ args }: RunCommand): boolean {
  return gitWords(args)[0]?.text === "clone" && !args.some(({ text }) => text.startsWith("--revision"));
}

/** Without git's own flags before its command. */
function gitWords(args: RunCommand["args"]): RunCommand["args"] {
  return positionals(args, ["-C", "-c", "--git-dir", "--work-tree"]);
}

/** A commit is a checksum; what a variable says may be one. */
function namesCommit({ name, args: all }: RunCommand): boolean {
  const [first, ...args] = gitWords(all);
  if (name !== "git" || first === undefined) return false;
  if (/^verify-(?:tag|commit)$/.test(first.text)) return true;
  return /^(?:checkout|switch|reset|fetch)$/.test(first.text) && args.some(({ text, literal }) => !literal || COMMIT.test(text));
}

function downloads({ name, args }: RunCommand): boolean {
  const words = args.map(({ text }) => text);
  if (!/^(?:curl|wget2?|aria2c|axel|http|https)$/.test(name) || words.some((word) => NO_TRANSFER.has(word) || word.startsWith("--checksum="))) return false;
  if (words.some((word, index) => word === "/dev/null" && /^(?:-[a-zA-Z]*[oO]|--output|--output-document)$/.test(words[index - 1] ?? ""))) return false;
  const targets = args.filter(({ text }) => !text.startsWith("-"));
  const urls = targets.filter(({ text, literal }) => /:\/\//.test(text) || LOOPBACK.test(text) || !literal);
  // `curl example.com/x` is a fetch too: what is no flag may be an address.
  return targets.length > 0 && !(urls.length > 0 && urls.every(({ text }) => LOOPBACK.test(text)));
}

const SUMS = /^(?:b2|cksum|md5|sha(?:1|224|256|384|512)?)(?:sum)?$|^shasum$|^digest$/;
const COMPARISONS = new Set(["test", "[", "[[", "cmp", "diff", "grep"]);

function verifies({ name, args }: RunCommand, run: readonly RunCommand[]): boolean {
  const words = args.map(({ text }) => text);
  const compares = (): boolean => run.some((other) => COMPARISONS.has(other.name));
  if (SUMS.test(name)) return words.some((word) => /^-[a-z]*c[a-z]*$|^--check$/.test(word)) || compares();
  if (name === "openssl") return words.includes("-verify") || words.includes("-signature") || (words[0] === "dgst" && compares());
  if (name === "gpg" || name === "gpg2") return words.includes("--verify");
  if (name === "cosign") return words[0]?.startsWith("verify") === true;
  return (name === "minisign" && words.some((word) => word.startsWith("-V"))) || /^(?:gpgv2?|sqv|slsa-verifier|rekor-cli)$/.test(name);
}
