import assert from "node:assert/strict";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startFakeRegistry } from "../../src/testing/fake-registry.ts";
import { REFUSING } from "../../src/testing/refusing-registries.ts";
import { openWorkshop, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

let workshop: Workshop;
let out: string;
let outputs = 0;

before(async () => {
  workshop = await openWorkshop();
  out = await mkdtemp(join(workshop.path, "out-"));
});

after(() => workshop[Symbol.asyncDispose]());

const build = (options: WorkshopBuild): Promise<Built> => workshop.build("FROM scratch\nCOPY hello.txt /\n", { files: { "hello.txt": "hello\n" }, ...options });
const lastNotice = ({ events }: Built): string => events.flatMap((event) => (event.kind === "notice" ? [event.message] : [])).at(-1) ?? "";
const archive = (type: string, more = ""): readonly string[] => [`type=${type},dest=${join(out, String(outputs++))}${more}`];
const environment = (name: string): WorkshopBuild => ({ env: { ...workshop.env, [name]: "1" } });

/** The same build with what the line says: flags in place of those that they stand for. */
function advised(options: WorkshopBuild, line: string): WorkshopBuild {
  const flags = new Map([.../--([a-z-]+)=(\S+)/g[Symbol.matchAll](line.slice(line.lastIndexOf(": build with ")))].map(([, name = "", value = ""]) => [name, value]));
  assert.ok(flags.size > 0, line);
  const [provenance, store] = [flags.get("provenance"), flags.get("attest-store")];
  return {
    ...options,
    ...(provenance === undefined ? {} : { provenance, attest: [] }),
    ...(store === undefined ? {} : { attestStore: store.replace("DIRECTORY", join(out, `evidence-${outputs++}`)) }),
  };
}

test("a build whose image has no evidence says why at its end, and with what is told there, it has", { timeout: 120_000 }, async () => {
  await using registry = await startFakeRegistry();
  await using refusing = await startFakeRegistry({ refuse: REFUSING.subjects, referrers: false });
  const pushed = { tags: [`${registry.host}/a:1`], push: true };
  const off = "--provenance=false was given: build with --provenance=mode=min instead";
  const cases: ReadonlyArray<readonly [since: string, WorkshopBuild]> = [
    [off, { ...pushed, provenance: "false" }],
    [off, { outputs: archive("oci"), provenance: "false" }],
    [off, { outputs: archive("oci", ",tar=false,name=a"), provenance: "false" }],
    [off, { ...pushed, provenance: "false", compat: "lambda" }],
    ["--attest=type=provenance,disabled=true was given: build with --provenance=mode=min instead", { ...pushed, attest: ["type=provenance,disabled=true"] }],
    ["BUILDX_NO_DEFAULT_ATTESTATIONS=1 is set: build with --provenance=mode=min", { ...pushed, ...environment("BUILDX_NO_DEFAULT_ATTESTATIONS") }],
    ["--provenance=false was given: build with --provenance=mode=min --attest-store=referrers instead", { outputs: [`type=registry,name=${registry.host}/a:2,oci-mediatypes=false`], provenance: "false" }],
    ["--provenance=false was given: build with --provenance=mode=min --attest-store=file:DIRECTORY instead", { outputs: archive("docker"), provenance: "false" }],
    ["--attest-store=none was given: build with --attest-store=index instead", { ...pushed, attestStore: "none" }],
    ["--attest-store=none was given: build with --attest-store=referrers instead", { ...pushed, attestStore: "none", compat: "cloud-run" }],
    ["--attest-store=none was given: build with --attest-store=index instead", { outputs: archive("oci"), attestStore: "none" }],
    ["--attest-store=none was given: build with --attest-store=file:DIRECTORY instead", { outputs: archive("docker"), attestStore: "none", provenance: "mode=max" }],
    ["--provenance=0 was given and --attest-store=none was given: build with --provenance=mode=min --attest-store=index instead", { ...pushed, attestStore: "none", provenance: "0" }],
    ["an archive gets only what is asked for: build with --provenance=mode=min", { outputs: archive("oci") }],
    ["a layout gets only what is asked for: build with --provenance=mode=min", { outputs: archive("oci", ",tar=false,name=a") }],
    ["an archive gets only what is asked for: build with --provenance=mode=min --attest-store=referrers", { outputs: archive("oci", ",oci-mediatypes=false") }],
    ["a docker archive has no place for it: build with --attest-store=file:DIRECTORY", { outputs: archive("docker") }],
    ["a docker archive has no place for it: build with --attest-store=file:DIRECTORY", { outputs: archive("docker"), compat: "docker-v2" }],
    ["no registry took it: build with --attest-store=file:DIRECTORY", { tags: [`${refusing.host}/a:1`], push: true, compat: "lambda" }],
  ];
  for (const [since, options] of cases) {
    const built = await build(options);
    assert.deepEqual([built.outcome.evidence?.kind, lastNotice(built).split(": there is no evidence with it, since ")[1]], ["none", since]);
    const again = await build(advised(options, lastNotice(built)));
    assert.notEqual(again.outcome.evidence?.kind ?? "none", "none", since);
    assert.match(lastNotice(again), /: its evidence (?:is in|refers to it)/);
  }
});

test("a build whose result is no image says nothing of evidence with it", async () => {
  const built = await build({ outputs: [`type=local,dest=${join(out, "local")}`] });
  assert.deepEqual([built.outcome.evidence, /evidence/.test(JSON.stringify(built.events.filter(({ kind }) => kind === "notice")))], [undefined, false]);
});
