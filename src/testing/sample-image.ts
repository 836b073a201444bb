import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Descriptor } from "../oci/descriptor.ts";
import { isIndex } from "../oci/media-type.ts";
import { openOciLayout, type ImageSource } from "../registry/oci-layout.ts";
import { LayoutDirectory } from "./layout-directory.ts";

/** An image of the conformance samples, put back together from its documents. Layers are left out there, so they are here. */
export interface SampleImage extends AsyncDisposable {
  /** The reference that the sample was pushed to. */
  readonly name: string;
  readonly layout: LayoutDirectory;
  /** A client that knows this image by that reference. */
  readonly client: { repository(): ImageSource };
}

/** `folder` holds ROOT, index.json, manifests, configurations and statements as the registry had them. */
export async function openSampleImage(folder: string): Promise<SampleImage> {
  const [reference = "", digest = "", mediaType = ""] = readFileSync(join(folder, "ROOT"), "utf8").trim().split(" ");
  const tag = reference.slice(reference.lastIndexOf(":") + 1);
  const layout = new LayoutDirectory();
  const documents = readdirSync(folder).filter((file) => file.endsWith(".json") && file !== "cacheconfig.json");
  const added = documents.map((file) => layout.add(isIndex(mediaType) ? mediaType : "", readFileSync(join(folder, file))));
  const root: Descriptor | undefined = added.find((document) => document.digest === digest);
  if (root === undefined) throw new Error(`${folder}: no document is the root ${digest}`);
  layout.tag({ ...root, mediaType }, tag);
  const source = await openOciLayout(layout.path, new AbortController().signal);
  return {
    name: `127.0.0.1:5555/${reference}`,
    layout,
    client: { repository: () => source },
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      layout[Symbol.dispose]();
    },
  };
}
