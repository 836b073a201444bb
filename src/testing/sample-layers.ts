import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import type { Entry, EntryKind } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { LayoutDirectory } from "./layout-directory.ts";

/** Type flags of tar (POSIX ustar) as the samples' lists have them. */
const KINDS: Readonly<Record<string, EntryKind>> = { "0": "file", "1": "hardlink", "2": "symlink", "3": "char", "4": "block", "5": "directory", "6": "fifo" };
const ROW = /^(\S) 0o([0-7]+) (\d+):(\d+) (\d+) mtime=(\d+) (.*) pax=/;

/**
 * A sample's image with layers again: as its lists of members say, with contents of zeros. Names and shapes are
 * BuildKit's; digests are those of these layers, in the manifest and in the record alike.
 */
export async function layoutWithLayers(folder: string, rename: (digest: string) => string = (digest) => digest): Promise<LayoutDirectory> {
  const layout = new LayoutDirectory();
  const read = (file: string): string => readFileSync(join(folder, file), "utf8");
  const manifest = JSON.parse(read("manifest0-amd64.json")) as { layers: Array<{ mediaType: string; digest: string; size: number }> };
  const renamed = new Map<string, string>();
  for (const [index, layer] of manifest.layers.entries()) {
    const bytes = gzipSync(Buffer.concat(await Array.fromAsync(writeTar(Readable.from(members(read(`manifest0-amd64.layer${index}.tarlist.txt`)))))));
    const made = layout.add(layer.mediaType, bytes);
    renamed.set(layer.digest, made.digest);
    Object.assign(layer, made);
  }
  const config = layout.add(MEDIA_TYPE.ociConfig, Buffer.from(read("manifest0-amd64.config.json")));
  const image = layout.add(MEDIA_TYPE.ociManifest, { ...manifest, config });
  renamed.set(digestOf(Buffer.from(read("manifest0-amd64.json"))), image.digest);
  const statementFile = readdirSync(folder).find((file) => file.includes("slsa.dev")) ?? "";
  const statement = read(statementFile).replaceAll(/(sha256:|"sha256": ?")([0-9a-f]{64})/g, (_all, prefix: string, hex: string) => prefix + rename(renamed.get(`sha256:${hex}`) ?? `sha256:${hex}`).slice("sha256:".length));
  const predicateType = (JSON.parse(statement) as { predicateType: string }).predicateType;
  const layers = [{ ...layout.add(MEDIA_TYPE.inToto, Buffer.from(statement)), annotations: { "in-toto.io/predicate-type": predicateType } }];
  const holder = layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config: layout.add(MEDIA_TYPE.ociEmpty, {}), layers, subject: image });
  const index = layout.add(MEDIA_TYPE.ociIndex, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociIndex,
    manifests: [
      { ...image, platform: { architecture: "amd64", os: "linux" } },
      { ...holder, platform: { architecture: "unknown", os: "unknown" }, annotations: { "vnd.docker.reference.digest": image.digest, "vnd.docker.reference.type": "attestation-manifest" } },
    ],
  });
  layout.tag(index, "latest");
  return layout;
}

function* members(list: string): Generator<Member> {
  for (const line of list.split("\n").filter(Boolean)) {
    const [, type = "", mode = "", uid = "", gid = "", size = "", mtime = "", name = ""] = ROW.exec(line) ?? [];
    const [path = "", linkname] = name.split(" -> ");
    const kind = KINDS[type] ?? "file";
    const slash = path.lastIndexOf("/") + 1;
    const isWhiteout = path.startsWith(".wh.", slash);
    const entry: Entry = {
      path: (isWhiteout ? path.slice(0, slash) + path.slice(slash + ".wh.".length) : path).replace(/\/$/, ""),
      kind: isWhiteout ? "whiteout" : kind,
      mode: Number.parseInt(mode, 8),
      uid: Number(uid),
      gid: Number(gid),
      mtimeNs: BigInt(mtime) * 1_000_000_000n,
      sizeBytes: kind === "file" && !isWhiteout ? Number(size) : 0,
      // The lists leave targets out; any will do where only the path counts.
      ...(kind === "symlink" || kind === "hardlink" ? { linkname: linkname ?? "bin/busybox" } : {}),
      ...(kind === "char" || kind === "block" ? { device: { major: 0, minor: 0 } } : {}),
    };
    yield { entry, content: bytesOf(Buffer.alloc(entry.sizeBytes)) };
  }
}
