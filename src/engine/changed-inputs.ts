import { formatReference } from "../oci/reference.ts";
import { redactUrl } from "../scrub/url.ts";
import type { ChangedInput } from "./not-reproducible.ts";
import type { Pin, Pins } from "./pins.ts";

/** What two runs of one graph looked up and did not find the same. Base images cannot be among it: the graph names their digests. */
export function changedInputs(first: Pins, second: Pins): readonly ChangedInput[] {
  const changed = [...second].flatMap(([vertex, pin]): ChangedInput[] => {
    const before = first.get(vertex);
    if (before === undefined || contentOf(before) === contentOf(pin)) return [];
    return [{ name: nameOf(pin), first: contentOf(before), second: contentOf(pin) }];
  });
  return [...new Map(changed.map((input) => [JSON.stringify(input), input])).values()];
}

function nameOf(pin: Pin): string {
  switch (pin.kind) {
    case "image":
      return `image ${formatReference(pin.reference)}`;
    case "http":
      return redactUrl(pin.url);
    case "git":
      return redactUrl(pin.request.name);
    case "local":
      return `local directory ${pin.name}`;
  }
}

function contentOf(pin: Pin): string {
  switch (pin.kind) {
    case "image":
    case "http":
      return pin.digest;
    case "git":
      return pin.commit;
    case "local":
      return pin.root;
  }
}
