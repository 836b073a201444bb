import type { Command } from "./command.ts";

interface CommandRow {
  readonly summary: string;
  /** Loaded when it is run: no command waits for another's code. */
  readonly load: () => Promise<Command>;
}

/** Every command by its words, in the order in which help lists them. */
export const COMMANDS: Readonly<Record<string, CommandRow>> = {
  build: { summary: "build an image from a Dockerfile, with its provenance", load: async () => (await import("./build.ts")).command },
  "imagetools inspect": { summary: "show an image and what is recorded of it", load: async () => (await import("./imagetools-inspect.ts")).command },
  "imagetools create": { summary: "make an image of others, with what is recorded of them", load: async () => (await import("./imagetools-create.ts")).command },
  "evidence get": { summary: "write an image's provenance or SBOM as a document", load: async () => (await import("./evidence-get.ts")).command },
  "evidence attach": { summary: "add a statement to an image that is published", load: async () => (await import("./evidence-attach.ts")).command },
  "evidence gc": { summary: "take evidence away whose image is gone, and nothing else", load: async () => (await import("./evidence-gc.ts")).command },
  "evidence scrub": { summary: "mask secrets in what is recorded of a published image", load: async () => (await import("./evidence-scrub.ts")).command },
  check: { summary: "tell what of a Dockerfile makes builds hard to repeat or to trust, and mend it", load: async () => (await import("./check.ts")).command },
  "policy eval": { summary: "ask a policy about one source, or show what it would see of it", load: async () => (await import("./policy-eval.ts")).command },
  "policy test": { summary: "run the tests of a policy", load: async () => (await import("./policy-test.ts")).command },
  trace: { summary: "tell which step, line and commit a file or layer comes from", load: async () => (await import("./trace.ts")).command },
  "history ls": { summary: "list the builds that run or were run", load: async () => (await import("./history-ls.ts")).command },
  "history inspect": { summary: "show a build: its steps, why each ran or did not, and what came of it", load: async () => (await import("./history-inspect.ts")).command },
  "history inspect attachment": { summary: "write what is kept beside a build's record: statements, metadata", load: async () => (await import("./history-attachment.ts")).command },
  "history logs": { summary: "print the log of a build again", load: async () => (await import("./history-logs.ts")).command },
  "history trace": { summary: "write where the time of a build went, for Jaeger", load: async () => (await import("./history-trace.ts")).command },
  "history export": { summary: "write records of builds into a file, for another machine", load: async () => (await import("./history-export.ts")).command },
  "history import": { summary: "take in records of builds from a file", load: async () => (await import("./history-import.ts")).command },
  "history rm": { summary: "remove records of builds", load: async () => (await import("./history-rm.ts")).command },
  du: { summary: "tell what the store takes on the disk", load: async () => (await import("./du.ts")).command },
  prune: { summary: "make room: take away what builds left in the store", load: async () => (await import("./prune.ts")).command },
  fsck: { summary: "check the store for damage, and take away what is damaged", load: async () => (await import("./fsck.ts")).command },
  "debug dump-llb": { summary: "write the graph of build steps that a Dockerfile becomes", load: async () => (await import("./dump-llb.ts")).command },
  "debug diff-llb": { summary: "tell how two graphs of build steps differ", load: async () => (await import("./diff-llb.ts")).command },
  doctor: { summary: "tell what this machine and a registry allow", load: async () => (await import("./doctor.ts")).command },
  login: { summary: "store the credentials of a registry", load: async () => (await import("./login.ts")).command },
  logout: { summary: "remove the credentials of a registry", load: async () => (await import("./logout.ts")).command },
};

export interface FoundCommand {
  readonly row: CommandRow;
  readonly args: readonly string[];
}

/** The command whose words `argv` begins with; undefined when there is none. */
export function findCommand(argv: readonly string[]): FoundCommand | undefined {
  for (const words of [3, 2, 1]) {
    const row = COMMANDS[argv.slice(0, words).join(" ")];
    if (row !== undefined && argv.length >= words) return { row, args: argv.slice(words) };
  }
  return undefined;
}
