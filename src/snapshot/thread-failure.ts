import { ArchiveError, type ArchiveErrorCode } from "../archive/archive-error.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { LayerStoreError, type LayerStoreErrorCode } from "./layer-store-error.ts";
import { IntricateArchiveError } from "./tree-intake.ts";

/** An error on its way from one thread to another, which would lose its class and its members. */
export interface ThreadFailure {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Those that are text, numbers or booleans. */
  readonly members: Readonly<Record<string, string | number | boolean>>;
  readonly cause: ThreadFailure | undefined;
}

export function failureOf(thrown: unknown): ThreadFailure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const members = Object.entries(error).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value)) as Array<[string, string | number | boolean]>;
  return { name: error.name, message: error.message, stack: error.stack, members: Object.fromEntries(members), cause: error.cause === undefined ? undefined : failureOf(error.cause) };
}

/** The same error, as far as whoever catches it looks: its class, where it is one that work on layers fails with, its code, its causes. */
export function errorOf(failure: ThreadFailure): Error {
  const { message, stack, members, cause } = failure;
  const options = cause === undefined ? undefined : { cause: errorOf(cause) };
  const error = ofClass(failure, options) ?? Object.assign(new Error(message, options), members, { name: failure.name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** What those classes were made with comes out as it went in. */
function ofClass({ name, message, members }: ThreadFailure, options: ErrorOptions | undefined): Error | undefined {
  switch (name) {
    case "ArchiveError":
      return new ArchiveError(members["code"] as ArchiveErrorCode, message, options);
    case "CorruptBlobError":
      return new CorruptBlobError(message, members["code"] as CorruptBlobError["code"], { ...options, retryable: members["retryable"] === true });
    case "LayerStoreError":
      return new LayerStoreError(members["code"] as LayerStoreErrorCode, message, options);
    case "IntricateArchiveError":
      return new IntricateArchiveError(message, options);
    default:
      return undefined;
  }
}
