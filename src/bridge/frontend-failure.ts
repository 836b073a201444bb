import { sourcePlace, type FailurePlace } from "../progress/source-place.ts";
import type { Status } from "../proto/google/rpc/status_pb.ts";

export interface FailureDetails extends ErrorOptions {
  readonly code?: string;
  readonly retryable?: boolean;
}

/** A frontend in a container says that it cannot go on; the message is its own. */
export class FrontendFailure extends Error {
  override readonly name = "FrontendFailure";
  /** `dockerfile` where the frontend itself said no; else that of what kept it from being asked. */
  readonly code: string;
  readonly retryable: boolean;
  readonly place: FailurePlace | undefined;

  constructor(message: string, place: FailurePlace | undefined, { code = "dockerfile", retryable = false, ...options }: FailureDetails = {}) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
    this.place = place;
  }
}

export function frontendFailure({ message, details }: Status): FrontendFailure {
  const places = details.flatMap(({ typeUrl, value }) => sourcePlace({ typeUrl, value }) ?? []);
  return new FrontendFailure(message, places[0]);
}
