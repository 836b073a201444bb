import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";
import type { DockerfileInput } from "./build-context.ts";
import { openDockerfile, parseForConversion } from "./build.ts";
import { analyseDockerfile } from "./convert/convert-dockerfile.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import type { Finding } from "./parsed.ts";

/** What is wrong with a Dockerfile. */
export interface LintResult {
  /** As they were found. */
  readonly findings: readonly Finding[];
  readonly dockerfile: DockerfileInput;
  /** What a build would fail with; undefined where nothing stands in its way. */
  readonly failure: DockerfileError | undefined;
}

/**
 * Checks all stages of the file, or the target with what it needs where one is named, for the worker's own platform.
 * Throws FrontendOptionError for the request, and what the gateway throws for the context.
 */
export async function lintDockerfile(gateway: Gateway, request: FrontendRequest, signal: AbortSignal): Promise<LintResult> {
  const open = await openDockerfile(gateway, request, signal);
  const findings: Finding[] = [];
  try {
    const { request: conversion } = parseForConversion(open, (finding) => findings.push(finding));
    await analyseDockerfile({ ...conversion, stages: open.options.target === "" ? "all" : "target" }, signal);
    return { findings, dockerfile: open.dockerfile, failure: undefined };
  } catch (error) {
    const failure = error instanceof FrontendOptionError ? new DockerfileError("conversion", error.message, []) : error;
    if (!(failure instanceof DockerfileError)) throw error;
    return { findings, dockerfile: open.dockerfile, failure };
  }
}
