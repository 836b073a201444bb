import { withoutPart, type EvidenceForm, type RefusedPart } from "../export/evidence.ts";
import type { ReadableImage } from "../export/layout.ts";
import { askForms, wordsOf } from "../registry/evidence-forms.ts";
import { ReferrersListError } from "../registry/referrers-list.ts";
import { RegistryError } from "../registry/registry-error.ts";
import { named, namedError, type PushTarget } from "./push-target.ts";

export type Forms = readonly [wanted: EvidenceForm, ...EvidenceForm[]];

/** The forms that an image's evidence may take, the wanted one first, and the image in each. */
export interface FormChoice {
  readonly forms: Forms;
  readonly inForm: (form: EvidenceForm) => ReadableImage;
}

/** The form that every registry took. */
export interface ChosenForm {
  readonly form: EvidenceForm;
  readonly readable: ReadableImage;
  /** What was refused before: the registry's name and its words. */
  readonly refusals: readonly FormRefusal[];
}

export interface FormRefusal {
  readonly repository: string;
  readonly words: string;
}

/** Statuses that say something of what was sent: the account and the repository were good for what had been sent just before. */
const ABOUT_THE_FORM: ReadonlySet<number> = new Set([400, 403, 404, 405, 406, 409, 415, 422]);

/**
 * Pushes attestation manifests in the first form that all repositories take. The manifests that they are about must be there:
 * so a refusal is one of the form. Each refusal rules out all forms with the refused part; nothing is tried twice.
 */
export async function pushEvidence({ forms, inForm }: FormChoice, targets: readonly PushTarget[], signal: AbortSignal): Promise<ChosenForm> {
  const refusals: FormRefusal[] = [];
  for (let [form, ...left]: Forms = forms; ; ) {
    const readable = inForm(form);
    const refused = await tryForm({ form, readable }, targets, signal);
    if (refused === undefined) return { form, readable, refusals };
    refusals.push({ repository: refused.target.push.repository.name, words: wordsOf(refused.error) });
    const [next, ...rest] = withoutPart(left, refused.part);
    if (next === undefined) throw namedError(refused.target, noFormLeft(refused.error, refusals));
    [form, left] = [next, rest];
  }
}

interface Refused {
  readonly target: PushTarget;
  readonly error: RegistryError;
  readonly part: RefusedPart;
}

async function tryForm({ form, readable: { image, content } }: Omit<ChosenForm, "refusals">, targets: readonly PushTarget[], signal: AbortSignal): Promise<Refused | undefined> {
  for (const target of targets) {
    try {
      await target.push.manifests({ roots: image.attestations, content }, form.place === "index" ? "named" : "referrer", signal);
    } catch (error) {
      const part = refusedPart(error, form);
      if (part === undefined || !(error instanceof RegistryError)) throw namedError(target, error);
      return { target, error, part };
    }
  }
  return undefined;
}

function refusedPart(error: unknown, { manifest }: EvidenceForm): RefusedPart | undefined {
  if (error instanceof ReferrersListError) return "referrers";
  if (!(error instanceof RegistryError) || !ABOUT_THE_FORM.has(error.status ?? 0)) return undefined;
  return manifest === "artifact" ? "artifact" : "referrers";
}

function noFormLeft(last: RegistryError, refusals: readonly FormRefusal[]): RegistryError {
  const before = refusals.slice(0, -1).filter(({ words }) => words !== wordsOf(last)).map(({ words }) => `; before that, another form was refused with ${words}`).join("");
  const message = `${last.message}${before}: it takes these attestations in no form; keep them with --attest-store=file:DIRECTORY, or build with --provenance=false`;
  return new RegistryError(last.code, message, { status: last.status, said: last.said, cause: last });
}

/**
 * The forms that several repositories may all take: asked before anything is pushed, so that none of them gets
 * attestations in a form that another one refuses.
 */
export async function formsForAll(forms: Forms, targets: readonly PushTarget[], signal: AbortSignal): Promise<{ readonly forms: Forms; readonly refusals: readonly FormRefusal[] }> {
  const refusals: FormRefusal[] = [];
  let left = forms;
  for (const target of targets) {
    const answers = await named(target, () => askForms(target.client.servers(target.reference, "push"), signal));
    for (const [part, answer] of [["artifact", answers.artifact], ["referrers", answers.subject]] as const) {
      const [first, ...rest] = answer.kind === "refused" ? withoutPart(left, part) : left;
      // Where nothing would be left, it is found out by pushing: the error tells more.
      if (answer.kind !== "refused" || first === undefined || rest.length + 1 === left.length) continue;
      refusals.push({ repository: target.push.repository.name, words: answer.reason });
      left = [first, ...rest];
    }
  }
  return { forms: left, refusals };
}
