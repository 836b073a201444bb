import type { Descriptor } from "../oci/descriptor.ts";
import { formatPlatform } from "../oci/platform.ts";
import { alignColumns } from "./align.ts";
import type { OpenImage } from "./open-image.ts";

type Row = readonly [left: string, right: string];

/** What `imagetools inspect` prints without a format (anchor E2): the root, then each entry of its index. */
export function manifestText(image: OpenImage): string {
  const { root, index } = image.record;
  const head = alignColumns([
    ["Name:", image.fullName],
    ["MediaType:", root.mediaType],
    ["Digest:", root.digest],
  ]);
  if (index === undefined) return head;
  return head + alignColumns([["", ""], ["Manifests:", ""]]) + entriesText(image, index.manifests);
}

/** Each list of annotations ends a block, and what follows is aligned by itself. */
function entriesText(image: OpenImage, entries: readonly Descriptor[]): string {
  let text = "";
  let block: Row[] = [];
  for (const [index, entry] of entries.entries()) {
    if (index > 0) block.push(["", ""]);
    block.push(...entryRows(image, entry));
    const annotations = entry.platform === undefined ? [] : Object.entries(entry.annotations ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (annotations.length === 0) continue;
    text += alignColumns([...block, ["  Annotations:", ""]]) + alignColumns(annotations.map(([key, value]) => [`    ${key}:`, value]));
    block = [];
  }
  return text + alignColumns(block);
}

function entryRows(image: OpenImage, entry: Descriptor): Row[] {
  const rows: Row[] = [
    ["  Name:", image.nameOf(entry)],
    ["  MediaType:", entry.mediaType],
  ];
  const { platform, urls = [] } = entry;
  if (platform === undefined) return rows;
  rows.push(["  Platform:", formatPlatform(platform)]);
  const features = platform["os.features"] ?? [];
  if (platform["os.version"]) rows.push(["  OSVersion:", platform["os.version"]]);
  if (features.length > 0) rows.push(["  OSFeatures:", features.join(", ")]);
  if (urls.length > 0) rows.push(["  URLs:", urls.join(", ")]);
  return rows;
}
