/**
 * `npm run bench:commit`: what the commit's check adds to the walk of a context, in one process. Both are timed in each
 * round, the walk first, as a build has them; the state database is the one of the round before. The last column is the longest
 * time in any round that nothing else got its turn, as time of this thread's processor: other processes do not make it longer.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { checkCommit } from "../src/engine/check-commit.ts";
import { localSources } from "../src/engine/locals.ts";
import { runProcess } from "../src/host/process.ts";
import { openDirectory } from "../src/session/directory.ts";
import type { LocalSelection, Session } from "../src/session/session.ts";
import { openStateDatabase, type StateDatabase } from "../src/store/state-database.ts";
import { describeSpread, spreadOf } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 9);
const FILES = 50_000;
const FILES_IN_DIRECTORY = 50;
const SELECTION: LocalSelection = { followPaths: undefined, includePatterns: [], excludePatterns: [".git"] };
/** Younger files are read each time, commit or not. */
const SETTLED_MS = 2500;

const signal = new AbortController().signal;
const place = mkdtempSync(join(tmpdir(), "stemma-bench-commit-"));
try {
  const root = join(place, "work");
  const env = { PATH: process.env["PATH"], HOME: place };
  const commit = await makeRepository(root, env);
  using database = openStateDatabase(join(place, "state.db"));
  process.stdout.write(`${cpus().length} processors (${cpus()[0]?.model ?? "unknown"}), load ${loadavg()[0]?.toFixed(1) ?? "?"}, Node ${process.versions.node}, ${FILES.toLocaleString("en")} files, ${ROUNDS} rounds\n\n`);
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  await report("unchanged", "nothing changed since the last build", { root, commit, database, env }, () => undefined);
  await report("other selection", "the same files, of a commit that was not compared with them yet", { root, commit, database, env }, (round) => ({ excludePatterns: [...SELECTION.excludePatterns, `round-${round}`] }));
  await report("left out", "the same, with a tenth of the files of each directory left out", { root, commit, database, env }, (round) => ({ excludePatterns: [...SELECTION.excludePatterns, `round-${round}`, "**/f*7"] }));
  await report("one changed", "one file changed since the last build", { root, commit, database, env }, (round) => writeFileSync(join(root, "d0/f0"), `round ${round}`));
} finally {
  rmSync(place, { recursive: true, force: true });
}

interface Bench {
  readonly root: string;
  readonly commit: string;
  readonly database: StateDatabase;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A row of the table: medians and extremes of all rounds, and of the share that the check has in each. The first round warms up and does not count. */
async function report(name: string, claim: string, bench: Bench, change: (round: number) => Partial<LocalSelection> | void): Promise<void> {
  const [walks, checks]: [number[], number[]] = [[], []];
  let longestMs = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const { walkMs, checkMs, turnMs } = await measure(bench, { ...SELECTION, ...change(round) });
    if (round === 0) continue;
    walks.push(walkMs);
    checks.push(checkMs);
    longestMs = Math.max(longestMs, turnMs);
  }
  const shares = checks.map((checkMs, i) => (100 * checkMs) / (walks[i] ?? 1)).toSorted((a, b) => a - b);
  const share = (at: number): string => (shares.at(at) ?? 0).toFixed(0);
  process.stdout.write(`| ${name} | ${claim} | ${describeSpread(spreadOf(walks))} | ${describeSpread(spreadOf(checks))} | ${share(Math.floor(shares.length / 2))} % (${share(0)}–${share(-1)} %) | ${longestMs.toFixed(0)} ms |\n`);
}

async function measure({ root, commit, database, env }: Bench, selection: LocalSelection): Promise<{ readonly walkMs: number; readonly checkMs: number; readonly turnMs: number }> {
  const turns = watchTurns();
  const session: Session = { id: "bench", directory: () => openDirectory(root), secret: async () => undefined, agent: async () => undefined };
  const startedMs = performance.now();
  const locals = localSources({ session, database, blobFormat: "sha1", findsSecrets: false });
  await locals.read("context", selection, signal);
  const walkedMs = performance.now();
  const { kind } = await checkCommit({ root, commit, locals: locals.done, directories: new Map([["context", root]]), database, env }, signal);
  if (kind === "unchecked") throw new Error("nothing was checked");
  const checkMs = performance.now() - walkedMs;
  return { walkMs: walkedMs - startedMs, checkMs, turnMs: await turns.longestMs() };
}

function watchTurns(): { longestMs(): Promise<number> } {
  let [longest, isOver] = [0, false];
  const watch = (beforeMs: number): void => void setImmediate(() => {
    const nowMs = threadMs();
    longest = Math.max(longest, nowMs - beforeMs);
    if (!isOver) watch(nowMs);
  });
  watch(threadMs());
  return {
    async longestMs() {
      await new Promise((resolve) => setImmediate(resolve));
      isOver = true;
      return longest;
    },
  };
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function makeRepository(root: string, env: Bench["env"]): Promise<string> {
  for (let i = 0; i < FILES; i++) {
    const directory = join(root, `d${Math.floor(i / FILES_IN_DIRECTORY)}`);
    if (i % FILES_IN_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${i}`), `content of file ${i}\n`.repeat(20));
  }
  const git = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProcess({ argv: ["git", "-c", "user.name=b", "-c", "user.email=b@example.com", ...args], cwd: root, env }, signal);
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr.toString("utf8")}`);
    return stdout.toString("utf8").trim();
  };
  await git("init", "-q");
  await git("add", ".");
  await git("commit", "-q", "-m", "all");
  return await git("rev-parse", "HEAD");
}
