import { writeTar } from "../archive/tar-writer.ts";
import { secondsOnly } from "../content/timestamp.ts";
import { destinationRefusal, writingTo } from "../export/destination-refusal.ts";
import { writeToDestination } from "../export/file-destination.ts";
import { writeLocalDirectory } from "../export/local-directory.ts";
import { archiveMembers, directoryMembers, type FilesOptions, type PlatformFiles } from "../export/result-files.ts";
import { epochOf, type ExportTarget, type ImageTarget } from "../export/target.ts";
import { formatPlatform } from "../oci/platform.ts";
import { toldMembers } from "./told-members.ts";
import type { PlatformResult } from "./platform-result.ts";
import type { PublishContext } from "./publish-context.ts";
import { publishImage, type PublishedImage } from "./publish-image.ts";

/** Sends the result to one target. Nothing has a name there before all of it is there. */
export async function publish(target: ExportTarget, results: readonly PlatformResult[], context: PublishContext, signal: AbortSignal): Promise<PublishedImage | undefined> {
  try {
    return await publishTo(target, results, context, signal);
  } catch (error) {
    throw destinationRefusal(error, target);
  }
}

async function publishTo(target: ExportTarget, results: readonly PlatformResult[], context: PublishContext, signal: AbortSignal): Promise<PublishedImage | undefined> {
  const { means } = context;
  switch (target.kind) {
    case "image":
    case "oci-tar":
    case "oci-directory":
    case "docker-tar":
      return await means.steps.work(TITLES[target.kind], (step) => publishImage(target, results, { ...context, step }, signal));
    case "local":
      await means.steps.work("exporting to client directory", (step) => {
        const members = directoryMembers(results.map(filesOf), filesOptions(target, context), signal);
        return writingTo(target, () => writeLocalDirectory(target, toldMembers(members, { step, steps: means.steps, label: copyLabel(target.platformSplit ?? context.options.indexAlways, results) }), signal));
      });
      return undefined;
    case "tar": {
      const tar = writeTar(archiveMembers(results.map(filesOf), filesOptions(target, context), signal));
      await means.steps.work("exporting to client tarball", (step) => means.steps.part(step, "sending tarball", () => writingTo(target, () => writeToDestination(target.destination, tar, means.stdout, signal))));
      return undefined;
    }
    case "cacheonly":
      return undefined;
  }
}

const TITLES: Readonly<Record<ImageTarget["kind"], string>> = {
  image: "exporting to image",
  "oci-tar": "exporting to oci image format",
  "oci-directory": "exporting to oci image format",
  "docker-tar": "exporting to docker image format",
};

function filesOf({ platform, chain, attestFiles }: PlatformResult): PlatformFiles {
  return { platform, chain, attest: attestFiles };
}

/** What the part of a step is called in which a file is written. */
function copyLabel(isSplit: boolean, results: readonly PlatformResult[]): (path: string) => string {
  if (!isSplit) return () => "copying files";
  const platforms = new Map(results.map(({ platform }) => [formatPlatform(platform).replaceAll("/", "_"), formatPlatform(platform)]));
  return (path) => `copying files ${platforms.get(path.split("/", 1)[0] ?? "") ?? ""}`;
}

function filesOptions(target: Extract<ExportTarget, { kind: "local" | "tar" }>, { means, options }: PublishContext): FilesOptions {
  return { multiPlatform: options.indexAlways, platformSplit: target.platformSplit, attestationPrefix: target.attestationPrefix, epochNs: epochOf(target.epoch, options.epochNs), nowNs: secondsOnly(means.clock.nowNs()) };
}
