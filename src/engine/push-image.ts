import type { Digest } from "../content/digest.ts";
import type { OnGrowing } from "../content/growing-blob.ts";
import { isFoundBySubject } from "../export/evidence.ts";
import type { LayerBlob } from "../export/layer-blob.ts";
import type { ReadableImage } from "../export/layout.ts";
import { formatReference } from "../oci/reference.ts";
import type { ReportEvent } from "../progress/event.ts";
import type { ClientFor } from "./cache-imports.ts";
import { describeStandIn } from "./evidence-text.ts";
import { formsForAll, pushEvidence, type FormChoice } from "./push-evidence.ts";
import { named, pushTargets, type PushTarget } from "./push-target.ts";
import type { StepReporter } from "./step-reporter.ts";

/** Where an image is pushed to. */
export interface PushPlace {
  readonly names: readonly string[];
  /** Its registries may be reached in any way that they answer. */
  readonly insecure: boolean;
  readonly step: Digest;
}

export interface PushImageRequest extends FormChoice {
  readonly byDigest: boolean;
  /** Called when all else is there. */
  readonly beforeTags: () => Promise<void>;
}

/** One image on its way to its repositories. What was begun and did not become a part of it is taken back at the end. */
export interface ImagePush extends AsyncDisposable {
  /** Begins to send a layer that is still being made. Nobody can have it from there before `push`. */
  readonly early: OnGrowing;
  /** Returns the image in the form that it was pushed in. */
  readonly push: (request: PushImageRequest, signal: AbortSignal) => Promise<ReadableImage>;
}

export type OpenPush = (place: PushPlace) => ImagePush;

export interface PushServices {
  readonly clientFor: ClientFor;
  readonly steps: StepReporter;
  readonly report: ReportEvent;
}

/**
 * Pushes to each repository that the names speak of: blobs, the platforms' manifests, attestations, the index. No tag changes
 * before every repository has all else. Where a registry refuses the form of the attestations, all get the next one, so that
 * the image has one digest.
 */
export function imagePusher(services: PushServices): OpenPush {
  return ({ names, insecure, step }) => {
    let layers: readonly LayerBlob[] = [];
    const targets = pushTargets({ ...services, names, insecure, step, layers: () => layers });
    return {
      early(blob) {
        for (const { push } of targets) push.early(blob);
      },
      async push(request, signal) {
        ({ layers } = request.inForm(request.forms[0]).image);
        return await pushImage(request, targets, { ...services, step }, signal);
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(targets.map(({ push }) => push[Symbol.asyncDispose]()));
      },
    };
  };
}

async function pushImage({ byDigest, beforeTags, ...choice }: PushImageRequest, targets: readonly PushTarget[], services: PushServices & Pick<PushPlace, "step">, signal: AbortSignal): Promise<ReadableImage> {
  const { steps, step } = services;
  const wanted = choice.inForm(choice.forms[0]);
  const readable = await steps.part(step, "pushing layers", async () => {
    // Those who look for evidence by its subject may be told of it in a list, which nothing here speaks of.
    if (!isFoundBySubject(choice.forms[0].place) && (await areThere(wanted, targets, byDigest, signal))) return wanted;
    const chosen = await pushContents(choice, targets, services, signal);
    await pushRoot(chosen, targets, byDigest, signal);
    return chosen;
  });
  await beforeTags();
  for (const target of targets) await nameRoot(readable, target, { byDigest, services }, signal);
  return readable;
}

/** As after a build that made nothing new: one question for each manifest is cheaper than one for each blob. */
async function areThere({ image: { root }, content }: ReadableImage, targets: readonly PushTarget[], byDigest: boolean, signal: AbortSignal): Promise<boolean> {
  for (const target of targets) {
    const names = byDigest ? [root.digest] : target.tags;
    if (!(await named(target, () => target.push.isThere({ content, root }, names, signal)))) return false;
  }
  return true;
}

/** Everything but what the names will point at. */
async function pushContents({ forms, inForm }: FormChoice, targets: readonly PushTarget[], { report }: PushServices, signal: AbortSignal): Promise<ReadableImage> {
  const wanted = inForm(forms[0]);
  let readable = wanted;
  if (wanted.image.attestations.length > 0) {
    // One registry is asked by pushing to it. Of several, the first would keep what a later one refuses.
    const asked = targets.length > 1 && forms.length > 1 ? await formsForAll(forms, targets, signal) : { forms, refusals: [] };
    await pushPlatforms(wanted, targets, signal);
    const chosen = await pushEvidence({ forms: asked.forms, inForm }, targets, signal);
    const refusals = [...asked.refusals, ...chosen.refusals];
    if (refusals.length > 0) report({ kind: "notice", message: describeStandIn({ wanted: forms[0], chosen: chosen.form, refusals }) });
    readable = chosen.readable;
  }
  return readable;
}

async function pushPlatforms({ image, content }: ReadableImage, targets: readonly PushTarget[], signal: AbortSignal): Promise<void> {
  const roots = image.platforms.map(({ manifest }) => manifest);
  for (const target of targets) await named(target, () => target.push.manifests({ roots, content }, "named", signal));
}

async function pushRoot({ image: { root }, content }: ReadableImage, targets: readonly PushTarget[], byDigest: boolean, signal: AbortSignal): Promise<void> {
  // A tag stores what it names: where there is only one repository, that is soon enough.
  const isStoredByTag = targets.length === 1 && !byDigest;
  for (const target of targets) {
    await named<unknown>(target, () => (isStoredByTag ? target.push.below({ roots: [root], content }, signal) : target.push.manifests({ roots: [root], content }, "named", signal)));
  }
}

interface Naming {
  readonly byDigest: boolean;
  readonly services: Pick<PushServices, "steps"> & Pick<PushPlace, "step">;
}

async function nameRoot({ image: { root }, content }: ReadableImage, target: PushTarget, { byDigest, services: { steps, step } }: Naming, signal: AbortSignal): Promise<void> {
  const { domain, path } = target.reference;
  // BuildKit tells the digest only where there is a tag.
  const names = byDigest ? [{ domain, path }] : target.tags.map((tag) => ({ domain, path, tag, digest: root.digest }));
  const begun = names.map((name) => steps.begin(step, `pushing manifest for ${formatReference(name)}`));
  try {
    if (!byDigest) await named(target, () => target.push.tags({ root, content }, target.tags, signal));
  } finally {
    for (const part of begun) part.end();
  }
}
