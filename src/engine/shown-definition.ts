import type { Definition } from "../llb/definition.ts";
import { definitionJson } from "../provenance/describe-definition.ts";
import { scrubPredicate } from "../provenance/scrub-statement.ts";
import { numberSteps, stepGraph, stepsJson } from "../provenance/steps.ts";
import { Scrubber } from "../scrub/scrubber.ts";

/** How a file was read, for who is shown the file, as encoded steps: what is masked in them would be other steps, so that they are left out. */
export function shownDefinition(definition: Definition): unknown {
  const graph = stepGraph(definition);
  const scrubber = new Scrubber();
  scrubPredicate({ llbDefinition: stepsJson(graph, numberSteps(graph)).llbDefinition }, scrubber);
  return scrubber.redactions.length > 0 ? undefined : definitionJson(definition);
}
