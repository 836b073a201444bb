import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { formatPaxRecord } from "../../src/archive/pax.ts";
import { digestOf } from "../../src/content/digest.ts";
import { MEDIA_TYPE } from "../../src/oci/media-type.ts";
import { hostileDirectory, hostileFile, hostileLink, hostileTar, randomHostileTar } from "../../src/testing/hostile-tar.ts";
import { LayoutDirectory } from "../../src/testing/layout-directory.ts";
import { rawExtended, rawHeader } from "../../src/testing/raw-tar.ts";
import { BuildError } from "../../src/doors/build.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

let workshop: Workshop;
/** What nobody may write to: a directory that the archives know the path of. */
let outside: string;
/** What no file of this machine is called. */
let mark: string;

before(async () => {
  workshop = await openWorkshop();
  outside = join(workshop.path, "outside");
  mark = basename(workshop.path).replace("stemma-workshop", "");
  mkdirSync(outside);
  writeFileSync(join(outside, "keep"), "kept\n");
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

/** Each way by which somebody else's archive comes in. */
const WAYS = {
  "an image's layer under a RUN": async (tar: Buffer) => {
    using layout = layoutOf(tar);
    await workshop.build("FROM base\nRUN --mount=type=bind,from=hostile,target=/mnt true\n", { buildContexts: named(layout) });
  },
  "an image's layer in a local output": async (tar: Buffer) => {
    using layout = layoutOf(tar);
    await workshop.build("FROM hostile\n", { buildContexts: named(layout), outputs: [`type=local,dest=${join(mkdtempSync(join(workshop.path, "out-")), "dest")}`] });
  },
  "an image's layer under a COPY": async (tar: Buffer) => {
    using layout = layoutOf(tar);
    await workshop.build("FROM hostile\nCOPY --from=hostile / /copied/\n", { buildContexts: named(layout), outputs: [`type=tar,dest=${join(mkdtempSync(join(workshop.path, "out-")), "tar")}`] });
  },
  "an archive that ADD unpacks": async (tar: Buffer) => {
    await workshop.build("FROM scratch\nADD hostile.tar /unpacked/\n", { files: { "hostile.tar": tar }, outputs: ["type=tar,dest=/dev/null"] });
  },
  "a context from standard input": async (tar: Buffer) => {
    await workshop.build("FROM scratch\nCOPY . /\n", { context: { archive: chunksOf(tar) }, outputs: [`type=local,dest=${join(mkdtempSync(join(workshop.path, "out-")), "dest")}`] });
  },
} as const;
type Way = keyof typeof WAYS;
const ALL = Object.keys(WAYS) as readonly Way[];

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** An image of this one layer, and no other. */
function layoutOf(tar: Buffer): LayoutDirectory {
  const layout = new LayoutDirectory();
  const layers = [layout.add(MEDIA_TYPE.ociLayerGzip, gzipSync(tar))];
  const config = layout.add(MEDIA_TYPE.ociConfig, { architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [digestOf(tar)] } });
  layout.tag(layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers }), "latest");
  return layout;
}

const named = (layout: LayoutDirectory): Readonly<Record<string, string>> => ({ base: `oci-layout://${workshop.base}`, hostile: `oci-layout://${layout.path}` });

/** The first directory of this machine that a name could leave the tree by. */
const UP = "../../../../../../../..";

type Row = readonly [what: string, tar: () => Buffer, refused: RegExp | undefined, exceptions?: Partial<Readonly<Record<Way, RegExp | undefined>>>];

const extended = (keyword: string, value: string, name = "a"): readonly Buffer[] => rawExtended(formatPaxRecord(keyword, Buffer.from(value)), { name });
const device = (name: string, typeflag: string): readonly Buffer[] => [rawHeader({ name, typeflag, patch: (block) => void (block.write("0000001\0", 329), block.write("0000003\0", 337)) })];

const ROWS: readonly Row[] = [
  ["a name with .. that leads out", () => hostileTar(hostileFile(`${UP}${outside}/x${mark}`)), /leads out of the archive/],
  ["an absolute name", () => hostileTar(hostileFile(`${outside}/x${mark}`)), undefined],
  ["a link to an absolute path, and a file through it", () => hostileTar(hostileLink("l", "symbolic", outside), hostileFile(`l/x${mark}`), hostileFile("l/keep")), undefined],
  ["a link that leads up, and a file through it", () => hostileTar(hostileLink("l", "symbolic", `${UP}${outside}`), hostileFile(`l/x${mark}`), hostileFile("l/keep")), undefined],
  ["a directory that becomes a link, and a file through it", () => hostileTar(hostileDirectory("d"), hostileFile("d/a"), hostileLink("d", "symbolic", outside), hostileFile(`d/x${mark}`)), undefined],
  ["a link that becomes a directory again", () => hostileTar(hostileLink("d", "symbolic", outside), hostileDirectory("d"), hostileFile(`d/x${mark}`)), undefined],
  ["links in a circle, and a file through them", () => hostileTar(hostileLink("a", "symbolic", "b"), hostileLink("b", "symbolic", "a"), hostileFile(`a/x${mark}`)), /too many (symbolic )?links/],
  ["a hard link that leads out", () => hostileTar(hostileLink("h", "hard", `${UP}${outside}/keep`)), /leads out of the archive/],
  ["a hard link to an absolute path", () => hostileTar(hostileLink("h", "hard", `${outside}/keep`)), /no file of the layer|no such file/],
  ["a hard link through a link", () => hostileTar(hostileLink("l", "symbolic", outside), hostileLink("h", "hard", "l/keep")), /no file of the layer|no such file/],
  ["a hard link to a link, and a file in its place", () => hostileTar(hostileLink("l", "symbolic", `${outside}/keep`), hostileLink("h", "hard", "l"), hostileFile("h")), undefined],
  ["a device of characters", () => hostileTar(device("null", "3")), undefined, { "an image's layer in a local output": /a device cannot be written into a directory/, "a context from standard input": /a device cannot be written into a directory/ }],
  ["a device of blocks", () => hostileTar(device("disk", "4")), undefined, { "an image's layer in a local output": /a device cannot be written into a directory/, "a context from standard input": /a device cannot be written into a directory/ }],
  ["a whiteout of the parent", () => hostileTar(hostileFile("a/.wh...")), /hides no name/],
  ["a size of a tebibyte, and nothing behind it", () => hostileTar([rawHeader({ name: "a", patch: (block) => Buffer.from("80000000000000010000000000".slice(0, 24), "hex").copy(block, 124) })]), /archive ends/],
  ["a size beyond all numbers", () => hostileTar(hostileFile("ok"), [rawHeader({ name: "a", patch: (block) => Buffer.from("80ffffffffffffffffffffff", "hex").copy(block, 124) })]), /a number of a header is out of range/],
  ["a record that is none", () => hostileTar(hostileFile("ok"), [rawHeader({ name: "x", typeflag: "x", size: 10 }), Buffer.from("99 path=a\n"), rawHeader({ name: "a" })]), /malformed extended header record/],
  ["a name with a zero byte", () => hostileTar(hostileFile("ok"), extended("path", "a\0b")), /malformed extended header record/],
  ["a name too long for any system", () => hostileTar(hostileFile("ok"), extended("path", "n".repeat(256))), /a part of a name of more than 255 bytes/],
  ["a tree too deep for any system", () => hostileTar(hostileFile("ok"), extended("path", "d/".repeat(501))), /more than 500 directories deep/],
  ["a tree as deep as can be", () => hostileTar(extended("path", "d/".repeat(400))), undefined],
  ["names that are given twice", () => hostileTar(hostileFile("a"), hostileDirectory("a"), hostileFile("a/b"), hostileFile("a"), hostileFile("a")), undefined],
  ["attributes of overlayfs", () => hostileTar(hostileDirectory("d"), extended("SCHILY.xattr.trusted.overlay.redirect", outside, "d/x"), extended("SCHILY.xattr.trusted.overlay.opaque", "y", "d/y")), undefined],
];

for (const way of ALL) {
  describe(way, { skip: runSkip }, () => {
    for (const [what, tar, refused, exceptions = {}] of ROWS) {
      const says = way in exceptions ? exceptions[way] : refused;
      test(`${says === undefined ? "contains" : "refuses"} ${what}`, async () => {
        const run = WAYS[way](tar());
        if (says === undefined) await run;
        else await assert.rejects(run, (error: Error) => isOurs(error) && says.test(error.message) ? true : assert.fail(error));
        assertUntouched();
      });
    }

    test("lets nothing out, whatever it is", async () => {
      let [taken, refused] = [0, 0];
      for (let seed = 1; seed <= 25; seed += 1) {
        const result = await WAYS[way](randomHostileTar(seed, outside, mark)).then(() => "taken", (error: unknown) => error);
        if (result === "taken") taken += 1;
        else {
          assert.ok(isOurs(result), `seed ${seed}: ${(result as Error).stack}`);
          refused += 1;
        }
        assertUntouched();
      }
      assert.ok(taken > 3 && refused > 3, `${taken} taken, ${refused} refused`);
    });
  });
}

/** A failure that says what is wrong, and no bug of ours. */
function isOurs(error: unknown): boolean {
  return error instanceof BuildError && error.code !== "internal";
}

function assertUntouched(): void {
  assert.deepEqual(readdirSync(outside), ["keep"]);
  assert.equal(readFileSync(join(outside, "keep"), "utf8"), "kept\n");
  assert.equal(lstatSync(join(outside, "keep")).nlink, 1);
  assert.deepEqual(readdirSync("/").filter((name) => name.endsWith(mark)), []);
}
