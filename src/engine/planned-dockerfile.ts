import { DOWNLOADED_NAME } from "../frontend/dockerfile/download-dockerfile.ts";
import type { PlannedDockerfile } from "./build-plan.ts";

/** Of one without a name, what the session lends it as. */
export function dockerfileName(dockerfile: PlannedDockerfile): string {
  return isApart(dockerfile) ? DOWNLOADED_NAME : dockerfile.name;
}

/** Whether it comes on its own, with nothing beside it. */
export function isApart(dockerfile: PlannedDockerfile): dockerfile is Extract<PlannedDockerfile, { kind: "text" | "remote" }> {
  return dockerfile.kind === "text" || dockerfile.kind === "remote";
}
