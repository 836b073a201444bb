import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "../../src/doors/build.ts";
import { MEMORY_FILES, type Contain, type Contained, type ContainStep, type SeenProcess } from "./frontend/contain.ts";
import { makeFrontendImage } from "./frontend/frontend-image.ts";
import { assertNothingRuns, assertNoControlGroupOf, assertNoWorkLeft, processesWith } from "./nothing-left.ts";
import { openWorkshop, runSkip, type Workshop, type WorkshopBuild } from "./workshop.ts";

const FRONTEND = "example.com/test/frontend:1";
const NEVER_PULLED = { timeout: 240_000 };
/** Seconds that no other process of this machine sleeps begin so. */
const SLEEP = `1${String(process.pid).padStart(7, "0")}`;
const BASE = "FROM base\nRUN --network=none mkdir /data && echo one > /data/one && echo two > /data/two\n";
const CAPABILITIES = ["gateway.exec", "gateway.exec.extrahosts", "gateway.exec.secretenv", "gateway.exec.signals"];
const CONTEXTS = { "moby.buildkit.frontend.caps": "moby.buildkit.frontend.contexts" };
const ROOT = { dest: "/", from: BASE } as const;
/** Mount types, as the protocol numbers them. */
const [SECRET, CACHE, TMPFS] = [1, 3, 4] as const;

let workshop: Workshop;
let layout = "";
before(async () => {
  if (runSkip !== false) return;
  workshop = await openWorkshop();
  layout = await makeFrontendImage(workshop, { ...CONTEXTS, "moby.buildkit.frontend.network.none": "true" });
});
after(async () => {
  if (runSkip === false) await workshop[Symbol.asyncDispose]();
});

const withFrontend = (options: WorkshopBuild = {}): WorkshopBuild => ({ ...options, buildContexts: { [FRONTEND]: `oci-layout://${layout}` } });
const programOf = (contain: Contain): string => `# syntax=${FRONTEND}\n${JSON.stringify({ contain })}`;
const sh = (script: string): string[] => ["/bin/sh", "-c", script];

async function contained(contain: Contain, options?: WorkshopBuild): Promise<Contained> {
  const { text } = await workshop.tree(programOf(contain), withFrontend(options));
  assertNoWorkLeft(workshop.root);
  return JSON.parse(text("seen.json")) as Contained;
}

/** One process after the other, each to its end. */
async function outcomes(contain: Omit<Contain, "steps">, processes: ReadonlyArray<Omit<Extract<ContainStep, { start: string }>, "start">>, options?: WorkshopBuild): Promise<readonly SeenProcess[]> {
  const held = { start: "held", args: sh("echo up; cat"), fds: [0, 1] };
  const steps = processes.flatMap((process, i): ContainStep[] => [{ start: String(i), ...process }, { wait: String(i) }]);
  const { processes: seen, failure } = await contained({ ...contain, steps: [held, { until: "held", text: "up" }, ...steps, { close: "held" }, { wait: "held" }] }, options);
  assert.equal(failure, undefined);
  return processes.map((_process, i) => seen[String(i)] ?? { out: "", err: "", stages: [] });
}

describe("a container of a frontend", { skip: runSkip }, () => {
  for (const sandbox of ["runc", "crun", "namespaces"] as const) {
    test(`runs processes side by side, with input, a terminal, signals and exit codes, by ${sandbox}`, NEVER_PULLED, async () => {
      const steps: ContainStep[] = [
        { start: "first", args: sh("read word; echo $word-back; echo problem >&2; echo made > /data/three; echo ready; cat") },
        { write: "first", text: "there\n" }, { until: "first", text: "ready" },
        { start: "second", args: sh("cat /data/*; cat /proc/1/comm; exit 42"), fds: [1] }, { wait: "second" },
        { start: "shell", args: sh("[ -t 0 ] && [ -t 2 ] && echo terminal; until [ \"$(stty size 2>/dev/null)\" = '33 77' ]; do sleep 0.05; done; echo $TERM sized; read word; echo got $word"), tty: true },
        { until: "shell", text: "terminal" }, { resize: "shell", rows: 33, cols: 77 }, { until: "shell", text: "xterm sized" }, { write: "shell", text: "typed\n" }, { wait: "shell" },
        { start: "caught", args: sh("trap 'echo caught; exit 9' TERM; echo up; while :; do sleep 0.05; done") }, { until: "caught", text: "up" }, { signal: "caught", name: "TERM" }, { wait: "caught" },
        { start: "killed", args: sh("echo up; exec sleep 9801") }, { until: "killed", text: "up" }, { signal: "killed", name: "KILL" }, { wait: "killed" },
        { start: "absent", args: ["no-such-command"] }, { wait: "absent" },
        { write: "first", text: "last" }, { close: "first" }, { wait: "first" },
        { release: "box" },
      ];
      const { capabilities, processes, failure, read } = await contained({ mounts: [ROOT], network: 2, steps, read: { from: BASE, path: "/data/three" } }, { sandbox });
      assert.deepEqual([capabilities, failure], [CAPABILITIES, undefined]);
      const told = (name: string): unknown => [processes[name]?.out, processes[name]?.err, processes[name]?.exit];
      assert.deepEqual(told("first"), ["there-back\nready\nlast", "problem\n", [0, ""]]);
      assert.deepEqual(told("second"), ["one\nmade\ntwo\ncat\n", "", [42, "exit code: 42"]]);
      // runc keeps its own terminal from ending lines, which ours does, when the process may have printed already.
      assert.deepEqual([processes["shell"]?.out.replaceAll("\r\r\n", "\r\n"), processes["shell"]?.exit], ["terminal\r\nxterm sized\r\ntyped\r\ngot typed\r\n", [0, ""]]);
      assert.deepEqual(told("caught"), ["up\ncaught\n", "", [9, "exit code: 9"]]);
      assert.deepEqual(told("killed"), ["up\n", "", [137, "exit code: 137"]]);
      assert.match(String(processes["absent"]?.exit), /^1,process "no-such-command" did not complete successfully: exit code: 1: .*no-such-command/);
      assert.deepEqual([processes["first"]?.stages[0], processes["first"]?.stages.at(-1), processes["second"]?.stages], ["Started", "Done", ["Started", "EOF 1", "Exit", "Done"]]);
      assert.equal(read, "2 UNKNOWN: open /data/three: no such file or directory", "what was written is in no result");
    });
  }

  test("has mounts: trees and parts of them, to read or to write, in memory, caches that last, secrets", NEVER_PULLED, async () => {
    const mounts = [
      { dest: "/mnt/inner", mountType: TMPFS }, ROOT,
      { dest: "/part", from: BASE, selector: "/data", readonly: true },
      { dest: "/mnt", from: BASE, selector: "/data" },
      { dest: "/empty" },
      { dest: "/cache", mountType: CACHE, cache: "/frontend-cache" },
      { dest: "/run/secret", mountType: SECRET, secret: "token" },
    ] as const;
    const secrets = { token: async () => Buffer.from("hush") };
    const [seen, again] = await outcomes({ mounts, network: 2 }, [
      { args: sh("ls /part /mnt /empty; touch /part/new 2>/dev/null || echo refused; echo x > /mnt/new; echo y > /mnt/inner/deep; echo z > /empty/z; cat /run/secret; echo $FROM_SECRET; echo kept > /cache/kept"), secretenv: "token" },
      { args: sh("cat /mnt/new /mnt/inner/deep /empty/z; grep -c ' /mnt/inner tmpfs' /proc/mounts") },
    ], { secrets });
    assert.equal(seen?.out, "/empty:\n\n/mnt:\ninner\none\ntwo\n\n/part:\none\ntwo\nrefused\nhushhush\n");
    assert.equal(again?.out, "x\ny\nz\n1\n");
    const [later] = await outcomes({ mounts: [{ ...ROOT, readonly: true }, { dest: "/cache", mountType: CACHE, cache: "/frontend-cache" }], network: 2 }, [{ args: sh("cat /cache/kept; touch /no 2>/dev/null || echo refused") }]);
    assert.equal(later?.out, "kept\nrefused\n");
    const cached = await workshop.tree("FROM base\nRUN --mount=type=cache,id=frontend-cache,target=/c cp /c/kept /copied\n");
    assert.equal(cached.text("copied"), "kept\n", "a RUN has the same caches");
  });

  test("has the surroundings that are asked for: name, hosts, network, user, directory, variables", NEVER_PULLED, async () => {
    const [seen, own] = await outcomes({ mounts: [ROOT], network: 2, hostname: "workbench", extraHosts: [{ Host: "other", IP: "10.0.0.9" }], platform: { OS: "linux", Architecture: process.arch === "x64" ? "amd64" : process.arch } }, [
      { args: sh("hostname; grep other /etc/hosts; tail -n +3 /proc/net/dev | cut -d : -f 1 | tr -d ' '") },
      { args: sh("id -u; id -g; pwd; echo $A $HOME"), user: "app", cwd: "/data", env: ["A=b", "PATH=/bin"] },
    ]);
    assert.deepEqual([seen?.out, own?.out], ["workbench\n10.0.0.9\tother\nlo\n", "1000\n1001\n/data\nb /home/app\n"]);
  });
});

describe("a frontend that asks for too much", { skip: runSkip }, () => {
  test("is refused what a RUN would be: a process by its exit, a container by its call", NEVER_PULLED, async () => {
    const start = (name: string, process: Partial<Extract<ContainStep, { start: string }>>): ContainStep[] => [{ start: name, args: sh("grep CapEff /proc/self/status"), fds: [1], ...process }, { wait: name }];
    const exitsOf = async (contain: Contain, options?: WorkshopBuild): Promise<{ readonly exits: readonly string[]; readonly refusals: readonly string[] }> => {
      const { processes, refusals, failure } = await contained(contain, options);
      assert.equal(failure, undefined);
      return { refusals, exits: Object.values(processes).map(({ exit, out }) => `${exit?.join(" ")} ${out}`.trim()) };
    };
    const refused = [
      { id: "box", mounts: [] },
      { id: "1", mounts: [] },
      { id: "2", mounts: [{ dest: "/", mountType: TMPFS }] },
      { id: "3", mounts: [ROOT, { dest: "/x", from: BASE, selector: "/nope" }] },
      { id: "4", mounts: [{ dest: "/", ref: "nobody" }] },
      { id: "5", mounts: [ROOT], extraHosts: [{ Host: "a", IP: "no" }] },
      { id: "6", mounts: [ROOT], platform: { OS: "plan9", Architecture: "amd64" } },
    ] as const;
    const { exits, refusals } = await exitsOf({ mounts: [ROOT], network: 2, refused, steps: [...start("insecure", { security: 1 }), ...start("secret", { secretenv: "nothing" }), ...start("no program", { args: [] }), ...start("user", { user: "nobody-here" })] });
    const expected = [
      /^6 ALREADY_EXISTS: Container box already exists$/, /the container has no root file system: mount something at \//, /invalid mount type TMPFS for \//, /failed to mount \/nope: "\/nope": not found/,
      /no such ref: nobody/, /failed to parse IP no$/, /plan9\/amd64 cannot run on this machine/,
    ];
    assert.deepEqual(refusals.filter((text, i) => expected[i]?.test(text) !== true), []);
    assert.equal(refusals.length, expected.length);
    const words = [/^255 failed to load LLB: security\.insecure is not allowed/, /^255 secret nothing: not found/, /^255 the frontend starts a process without a program/, /^255 unable to find user nobody-here/];
    assert.deepEqual(exits.filter((text, i) => words[i]?.test(text) !== true), []);
    const host = await exitsOf({ mounts: [ROOT], network: 1, steps: start("p", {}) });
    assert.match(host.exits.join(), /^255 failed to load LLB: network\.host is not allowed/);
    const all = await exitsOf({ mounts: [ROOT], network: 2, steps: start("p", { security: 1 }) }, { allow: ["security.insecure"] });
    assert.match(all.exits.join(), /^0 {2}CapEff:\t0*[1-9a-f]/);
    assert.doesNotMatch(all.exits.join(), /0a80425fb/);
  });
});

test("the chroot sandbox has no containers, does not say so, and tells who asks what to do", { ...NEVER_PULLED, skip: runSkip === false && process.geteuid?.() !== 0 ? "a chroot takes root" : runSkip }, async () => {
  const { capabilities, failure } = await contained({ mounts: [], steps: [] }, { sandbox: "chroot" });
  assert.deepEqual(capabilities, []);
  assert.match(failure ?? "", /^12 UNIMPLEMENTED: a frontend asks for a container, which the chroot sandbox cannot give: .* build with another --sandbox$/);
});

/** What a record says of what nobody can check. */
interface Said {
  readonly uncaptured: readonly string[];
  readonly secrets: unknown;
}

describe("the record of a build whose frontend has containers", { skip: runSkip }, () => {
  const recordsOf = async (program: object): Promise<string> => {
    const out = await mkdtemp(`${workshop.path}/recorded-`);
    await workshop.build(`# syntax=${FRONTEND}\n${JSON.stringify(program)}`, withFrontend({ outputs: [`type=local,dest=${out}`], provenance: "mode=max", secrets: { token: async () => Buffer.from("hush") } }));
    return out;
  };
  const saysIn = (path: string): Said => {
    const text = readFileSync(path, "utf8");
    assert.ok(!text.includes("hush"));
    const { predicate } = JSON.parse(text) as { predicate: { buildDefinition: { externalParameters: { request: { secrets?: unknown } } }; runDetails: { metadata: { stemma_hermetic: { uncaptured?: readonly string[] } } } } };
    const { stemma_hermetic: { uncaptured = [] } } = predicate.runDetails.metadata;
    return { uncaptured, secrets: predicate.buildDefinition.externalParameters.request.secrets };
  };
  const recorded = async (contain: Omit<Contain, "steps">, process: Partial<Extract<ContainStep, { start: string }>> = {}): Promise<Said> => {
    const steps: ContainStep[] = [{ start: "p", args: sh("true"), fds: [1], ...process }, { wait: "p" }];
    return saysIn(`${await recordsOf({ contain: { ...contain, steps } })}/provenance.json`);
  };

  test("tells of the steps that made what it read, though the result has nothing of them, also out of the cache", NEVER_PULLED, async () => {
    const reading = (run: string): Promise<Said> => recorded({ mounts: [ROOT], network: 2, read: { from: `FROM base\nRUN ${run} true > /x\n`, path: "/x" } });
    assert.deepEqual(await reading("--network=none"), { uncaptured: [], secrets: undefined });
    for (const _of of ["ran", "cached"]) assert.deepEqual(await reading(""), { uncaptured: ["network"], secrets: undefined });
    assert.deepEqual(await reading("--network=none --mount=type=secret,id=token"), { uncaptured: ["secret"], secrets: [{ id: "token", optional: true }] });
  });

  test("keeps what platforms are made of apart, though the frontend has seen them all", NEVER_PULLED, async () => {
    const out = await recordsOf({ each: { "linux/amd64": "FROM base\nRUN echo open\n", "linux/arm64": "FROM base\nRUN --network=none echo shut\n" } });
    assert.deepEqual(["amd64", "arm64"].map((name) => saysIn(`${out}/linux_${name}/provenance.json`).uncaptured), [["network"], []]);
  });

  test("tells what no record can name: its network, caches and secrets, and those of the steps that it is made of", NEVER_PULLED, async () => {
    assert.deepEqual((await recorded({ mounts: [ROOT], network: 2 })).uncaptured, []);
    assert.deepEqual((await recorded({ mounts: [ROOT] })).uncaptured, ["network"]);
    assert.deepEqual((await recorded({ mounts: [{ dest: "/", from: "FROM base\nRUN true\n" }], network: 2 })).uncaptured, ["network"]);
    assert.deepEqual((await recorded({ mounts: [ROOT, { dest: "/c", mountType: CACHE, cache: "c" }], network: 2 })).uncaptured, ["cache-mount"]);
    const { uncaptured, secrets } = await recorded({ mounts: [ROOT], network: 2 }, { secretenv: "token" });
    assert.deepEqual([uncaptured, secrets], [["secret"], [{ id: "token" }]]);
  });
});

describe("the network of a frontend that is no part of the machine's", { skip: runSkip }, () => {
  interface Recorded {
    readonly buildDefinition: { readonly resolvedDependencies: ReadonlyArray<{ readonly uri: string; readonly digest: { readonly sha256: string } }> };
    readonly runDetails: { readonly metadata: { readonly buildkit_metadata: { readonly network?: object }; readonly stemma_network?: readonly string[]; readonly stemma_hermetic: { readonly uncaptured?: readonly string[] } } };
  }
  let server: Server;
  let url = "";
  before(async () => {
    server = createServer((request, response) => void response.writeHead(request.url === "/gone" ? 404 : 200).end(`content of ${request.url}\n`)).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => void server.close());

  const recorded = async (program: object, options: WorkshopBuild): Promise<{ readonly predicate: Recorded; readonly output: string; readonly result: string }> => {
    const out = await mkdtemp(`${workshop.path}/networked-`);
    const { output } = await workshop.build(`# syntax=${FRONTEND}\n${JSON.stringify(program)}`, { ...options, outputs: [`type=local,dest=${out}`], provenance: "mode=max" });
    const { predicate } = JSON.parse(readFileSync(`${out}/provenance.json`, "utf8")) as { predicate: Recorded };
    return { predicate, output, result: readFileSync(`${out}/${"fetch" in program ? "fetched" : "seen.json"}`, "utf8") };
  };
  const fetched = ({ buildDefinition: { resolvedDependencies } }: Recorded): readonly unknown[] => resolvedDependencies.filter(({ uri }) => uri.startsWith("http")).map(({ uri, digest }) => [uri, digest.sha256]);
  /** Of an image that does not say that it needs no network. */
  const reachingOut = async (): Promise<WorkshopBuild> => ({ buildContexts: { [FRONTEND]: `oci-layout://${await makeFrontendImage(workshop, CONTEXTS)}` } });
  const file = (path: string): readonly unknown[] => [`${url}${path}`, createHash("sha256").update(`content of ${path}\n`).digest("hex")];

  test("what processes in its containers fetch is in the record, and nothing else gets out", NEVER_PULLED, async () => {
    const steps: ContainStep[] = [
      { start: "held", args: sh("echo up; cat"), fds: [0, 1] }, { until: "held", text: "up" },
      { start: "a", args: sh(`wget -q -O- ${url}/one; wget -q -O- ${url}/gone; unset http_proxy HTTP_PROXY; wget -q -T 2 -O- ${url}/direct || echo refused`), fds: [1] }, { wait: "a" },
      { start: "b", args: sh(`wget -q -O- ${url}/two`), fds: [1] }, { wait: "b" },
      { close: "held" }, { wait: "held" },
    ];
    const { predicate, result } = await recorded({ contain: { mounts: [ROOT], steps } }, withFrontend({ proxyNetwork: true }));
    const { processes, failure } = JSON.parse(result) as Contained;
    assert.equal(failure, undefined);
    assert.deepEqual([processes["a"]?.out, processes["b"]?.out], ["content of /one\nrefused\n", "content of /two\n"]);
    assert.deepEqual(fetched(predicate), [file("/one"), file("/two")]);
    const { stemma_network, stemma_hermetic, buildkit_metadata } = predicate.runDetails.metadata;
    assert.deepEqual(stemma_network, ["none", "proxy"]);
    assert.deepEqual(stemma_hermetic.uncaptured, ["network"]);
    assert.deepEqual(buildkit_metadata.network, { mode: "proxy", proxy: { incomplete: [{ name: "/bin/sh -c echo up; cat", method: "GET", uri: `${url}/gone`, reason: "unsuccessful_response" }] } });
    assertNoWorkLeft(workshop.root);
  });

  test("what it fetches itself is in the record with the proxy, and without it the record says that nobody has seen it", NEVER_PULLED, async () => {
    const open = await reachingOut();
    const proxied = await recorded({ fetch: `${url}/own` }, { ...open, proxyNetwork: true });
    assert.equal(proxied.result, "content of /own\n");
    assert.deepEqual(fetched(proxied.predicate), [file("/own")]);
    assert.deepEqual(proxied.predicate.runDetails.metadata.stemma_hermetic, { verified: true, check: "inputs" });
    assert.match(proxied.output, new RegExp(`- GET ${url}/own -> 200`));
    const bare = await recorded({ fetch: `${url}/own` }, open);
    assert.deepEqual(bare.predicate.runDetails.metadata.stemma_hermetic, { verified: false, check: "inputs", uncaptured: ["network"] });
    assert.deepEqual(bare.predicate.runDetails.metadata.stemma_network, ["host"]);
  });

  test("the chroot sandbox gives it the machine's, as the record says, and no other, as is said before it runs", { skip: process.geteuid?.() === 0 ? false : "a chroot takes root" }, async () => {
    const { predicate } = await recorded({ contain: { mounts: [], steps: [] } }, withFrontend({ sandbox: "chroot" }));
    assert.deepEqual(predicate.runDetails.metadata.stemma_network, ["host"]);
    assert.deepEqual(predicate.runDetails.metadata.stemma_hermetic.uncaptured, ["machine", "network"]);
    const open = await reachingOut();
    await assert.rejects(recorded({ fetch: `${url}/own` }, { ...open, proxyNetwork: true, sandbox: "chroot" }), /--proxy-network/);
  });
});

describe("limits of control groups", { skip: runSkip }, () => {
  const shows = `cat /proc/self/cgroup ${MEMORY_FILES.join(" ")} 2>/dev/null`;
  const scannerOf = async (): Promise<string> => {
    const scanner = join(workshop.path, "scanner");
    if (existsSync(scanner)) return scanner;
    const document = JSON.stringify({ _type: "https://in-toto.io/Statement/v0.1", predicateType: "https://spdx.dev/Document", predicate: { spdxVersion: "SPDX-2.3", name: "own", creationInfo: { created: "2023-11-14T22:13:20Z", creators: [] } } });
    const files = { "scan.sh": `echo scanner:; ${shows}\necho over\nprintf '%s' '${document}' > $BUILDKIT_SCAN_DESTINATION/sbom.spdx.json\n` };
    await workshop.build('FROM base\nCOPY scan.sh /scan.sh\nENTRYPOINT ["/bin/sh", "/scan.sh"]\n', { files, provenance: "false", outputs: [`type=oci,tar=false,dest=${scanner},name=scanner:latest`] });
    return scanner;
  };

  for (const sandbox of ["runc", "crun"] as const) {
    test(`hold, as with BuildKit, the RUNs that a frontend asks for, and neither itself, nor its containers, nor an SBOM generator, by ${sandbox}`, NEVER_PULLED, async () => {
      const parent = `stemma-held-${process.pid}-${sandbox}`;
      const held = (text: string): readonly [inParent: boolean, limited: boolean] => [text.includes(`/${parent}/`), text.split("\n").includes("67108864")];
      const from = `FROM base\nENV IN=${sandbox}\nRUN --network=none ${shows} > /of-run; true\n`;
      const steps: ContainStep[] = [{ start: "p", args: sh(`cat /of-run; echo container:; ${shows}`), fds: [1] }, { wait: "p" }];
      const { text, output } = await workshop.tree(programOf({ mounts: [{ dest: "/", from }], network: 2, steps }), {
        sandbox, cgroupParent: `/${parent}`, resources: ["memory=64m"], attest: ["type=sbom,generator=example.com/scanner:1"],
        buildContexts: { [FRONTEND]: `oci-layout://${layout}`, "example.com/scanner:1": `oci-layout://${await scannerOf()}` },
      });
      const { groups, processes, failure } = JSON.parse(text("seen.json")) as Contained;
      assert.equal(failure, undefined);
      const [run = "", container = ""] = (processes["p"]?.out ?? "").split("container:");
      const version2Alone = existsSync("/sys/fs/cgroup/cgroup.controllers");
      // With version 2 alone, a process sees its own group as the root.
      assert.deepEqual(held(run), [!version2Alone, true], run);
      for (const others of [groups, container, /scanner:\n([^]*)over\n/.exec(output)?.[1] ?? ""]) {
        assert.match(others, /^\d+:.*:\//m);
        assert.deepEqual(held(others), [false, false], others);
      }
      assertNoWorkLeft(workshop.root);
      assertNoControlGroupOf(process.pid);
    });
  }
});

describe("the end of a frontend that has containers", { skip: runSkip }, () => {
  const busy: ContainStep[] = [
    { start: "first", args: sh(`trap '' TERM INT HUP; setsid sleep ${SLEEP}1 & echo up; sleep ${SLEEP}2`) }, { until: "first", text: "up" },
    { start: "second", args: sh(`echo up; sleep ${SLEEP}3`), tty: true }, { until: "second", text: "up" },
  ];
  const mounts = [ROOT, { dest: "/mnt", from: BASE }, { dest: "/tmp", mountType: TMPFS }] as const;

  const assertNothingLeft = async (): Promise<void> => {
    await assertNothingRuns(workshop.path);
    assert.deepEqual(processesWith(`sleep\0${SLEEP}`), []);
    assertNoWorkLeft(workshop.root);
    assertNoControlGroupOf(process.pid);
  };

  for (const sandbox of ["runc", "crun", "namespaces"] as const) {
    test(`leaves nothing of them, where it forgets to release them and where the build is stopped, by ${sandbox}`, NEVER_PULLED, async () => {
      const { failure } = await contained({ mounts, steps: [...busy, { start: "other", container: "nowhere", args: sh("true") }, { wait: "other" }] }, { sandbox });
      assert.match(failure ?? "", /previously released/);
      await assertNothingLeft();

      const controller = new AbortController();
      const run = build(await workshop.request(programOf({ mounts, steps: [...busy, { hang: "all is up" }] }), withFrontend({ sandbox, signal: controller.signal })));
      const stopped = assert.rejects(run.result, /enough/);
      for await (const event of run.events) if (event.kind === "step-output" && Buffer.from(event.bytes).includes("all is up")) controller.abort(new Error("enough"));
      await stopped;
      await assertNothingLeft();
    });
  }
});
