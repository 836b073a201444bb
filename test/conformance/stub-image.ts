import { createHash } from "node:crypto";
import type { Platform } from "../../src/oci/platform.ts";
import { formatAllPlatform } from "../../src/oci/platform.ts";
import type { ImageResolve } from "./llb-record.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The image that the recording's resolver made up for a reference: the rules stand in the data's README. */
export function stubImage(ref: string, platform: Platform, config?: unknown): ImageResolve {
  const hash = createHash("sha256").update(ref).digest();
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(ref)?.[1] ?? `sha256:${hash.toString("hex")}`;
  return { ref, platform: formatAllPlatform(platform), logName: "", digest, config: config ?? stubConfig(ref, platform, hash) };
}

function stubConfig(ref: string, platform: Platform, hash: Buffer): object {
  const is = (at: number, divisor: number): boolean => (hash[at] ?? 0) % divisor === 0;
  const directory = (hash[0] ?? 0) % 4;
  const layer = createHash("sha256").update(`layer:${ref}`).digest("hex");
  return {
    ...platform,
    created: "2024-01-02T03:04:05Z",
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    history: [{ created: "2024-01-02T03:04:05Z", created_by: `stub layer of ${ref}` }],
    config: {
      Env: [...(platform.os === "windows" ? [] : [PATH]), ...(is(2, 4) ? ["LANG=C.UTF-8", `BASE_VERSION=${hash.toString("hex", 0, 4)}`] : [])],
      ...(directory === 0 ? {} : { WorkingDir: directory === 3 ? "/srv/base" : "/" }),
      ...(is(1, 8) ? { User: "1000:1000" } : {}),
      ...(is(4, 4) ? { Entrypoint: ["docker-entrypoint.sh"] } : {}),
      Cmd: is(7, 8) ? ["bash"] : ["/bin/sh"],
      ...(is(5, 8) ? { Labels: { maintainer: "stub" } } : {}),
      ...(is(6, 8) ? { ExposedPorts: { "80/tcp": {} }, Volumes: { "/data": {} } } : {}),
    },
  };
}
