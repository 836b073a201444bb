import assert from "node:assert/strict";
import { chmod, mkdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { BASE, contextWithBase, makeContext } from "./small-base.ts";

const skip = process.geteuid?.() === 0 && existsSync("/usr/bin/setpriv") ? false : "becoming another user needs root and setpriv";

/** Nobody, without a capability: as in a container that drops all of them. */
const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"];

let place: Place;
let root: string;

before(async () => {
  place = await openPlace();
  await chmod(place.path, 0o755);
  const home = join(place.path, "home");
  root = join(home, "state");
  await mkdir(home);
  await place.run(["chown", "65534:65534", home]);
  await makeContext(place, "files", { Dockerfile: "FROM scratch AS made\nCOPY --chown=1:2 --chmod=4755 a /deep/a\nFROM scratch\nCOPY --from=made /deep /deep\nADD a.tar /from-tar/\n", a: "a\n" });
  await place.run(["tar", "-C", join(place.path, "files"), "--owner=3", "--group=4", "-cf", join(place.path, "files/a.tar"), "a"]);
  await contextWithBase(place, "running", { Dockerfile: `${BASE}RUN echo ran\n` });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

async function build(wrapper: readonly string[], context: string, ...flags: readonly string[]): Promise<CommandRun> {
  const result = await place.stemma(["build", "--root", root, "--progress=plain", ...flags, join(place.path, context)], { wrapper, env: { HOME: join(place.path, "home") } });
  await assertNothingRuns(place.path);
  assertNoWorkLeft(root);
  return result;
}

test("a user without any privilege builds what has no RUN, with the owners and modes that the Dockerfile says", { skip }, async () => {
  const tar = join(place.path, "home/out.tar");
  const { exitCode, stderr } = await build(AS_NOBODY, "files", "-o", `type=tar,dest=${tar}`);
  assert.equal(exitCode, 0, stderr);
  const listing = await place.run(["tar", "--numeric-owner", "-tvf", tar]);
  assert.match(listing, /^-rwsr-xr-x 1\/2 .* deep\/a$/m);
  assert.match(listing, /^-rw-r--r-- 3\/4 .* from-tar\/a$/m);
});

test("the image is the same as root's", { skip }, async () => {
  const ids: string[] = [];
  for (const [name, wrapper] of [["nobody", AS_NOBODY], ["root", []]] as const) {
    const iid = join(place.path, `home/${name}.iid`);
    const flags = ["--iidfile", iid, "--provenance=false", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", "-o", "type=image,rewrite-timestamp=true", "--root", join(place.path, `home/state-${name}`)];
    const { exitCode, stderr } = await build(wrapper, "files", ...flags);
    assert.equal(exitCode, 0, stderr);
    ids.push(await place.run(["cat", iid]));
  }
  assert.equal(ids[0], ids[1]);
});

test("a RUN where there are no user namespaces is refused with what to enable, and what needs none still works", { skip }, async () => {
  // The limit of a user namespace of our own, in which nobody is called root: this machine's would be changed for everyone.
  const nobody = AS_NOBODY.slice(0, 4);
  const without = [...nobody, "unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$@"', "sh"];
  const { exitCode, stderr } = await build(without, "running");
  assert.equal(exitCode, 71, stderr);
  assert.match(stderr, /\nERROR: failed to build: failed to solve: this machine gives root without CAP_SYS_ADMIN no mount namespace \(/);
  assert.match(stderr, /\/proc\/sys\/user\/max_user_namespaces is 0; allow user namespaces with: sysctl -w user\.max_user_namespaces=\d+\n$/);
  assert.ok(stderr.includes(">>> RUN echo ran\n"), stderr);
  const copied = await build(without, "files");
  assert.equal(copied.exitCode, 0, copied.stderr);
});

test("a build is checked for being reproducible without privilege too, in user namespaces where it has a RUN", { skip }, async () => {
  for (const context of ["files", "running"]) {
    const flags = ["--reproducible", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", "-o", "type=image,rewrite-timestamp=true"];
    const { exitCode, stderr } = await build(AS_NOBODY.slice(0, 4), context, ...flags);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /comparing with the second build/);
  }
});
