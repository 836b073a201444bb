import type { Clock } from "../host/clock.ts";
import type { HttpClient } from "../host/http-client.ts";
import { parseChallenges, type Challenge } from "./challenge.ts";
import { CredentialError, type CredentialStore, type FoundCredential } from "./credential.ts";
import type { Endpoint } from "./endpoint.ts";
import { mergeScopes, type Scope } from "./scope.ts";
import { createTokenPool } from "./token-pool.ts";
import { basicAuthorization } from "./token-service.ts";
import { untilAborted } from "../host/until-aborted.ts";

/** Who we are to one server, for the length of one client. */
export interface Authorizer {
  /** The header to send, as far as is known without asking; undefined before the first challenge. */
  authorization(scopes: readonly Scope[], signal: AbortSignal): Promise<string | undefined>;
  /** Takes the challenge of a 401 to heart. The scopes to ask again with; undefined where it names no way that we know. */
  challenge(header: string | undefined, scopes: readonly Scope[], refused: string | undefined): readonly Scope[] | undefined;
  identity(signal: AbortSignal): Promise<Identity>;
}

export interface Identity {
  readonly found: FoundCredential | undefined;
  /** Why a place could not be looked into. We then ask as nobody, which suffices for what is public. */
  readonly problem: CredentialError | undefined;
  readonly places: string;
}

export interface AuthorizerOptions {
  readonly endpoint: Endpoint;
  readonly credentials: CredentialStore;
  readonly http: HttpClient;
  readonly clock: Clock;
  /** Ends when the client is closed: what several callers wait for must not end with one of them. */
  readonly lifetime: AbortSignal;
}

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const identify = createIdentity(options);
  const tokens = createTokenPool(options, identify);
  let challenge: Challenge | undefined;
  return {
    async authorization(scopes, signal) {
      if (challenge === undefined) return undefined;
      if (challenge.scheme === "bearer") return await tokens.headerFor(mergeScopes(scopes), challenge, signal);
      const { found } = await untilAborted(identify(), signal);
      return found?.credential.kind === "basic" ? basicAuthorization(found.credential) : undefined;
    },
    challenge(header, scopes, refused) {
      const offered = parseChallenges(header ?? "");
      const chosen = offered.find(({ scheme }) => scheme === "bearer") ?? offered.find(({ scheme }) => scheme === "basic");
      if (chosen === undefined) return undefined;
      challenge = chosen;
      tokens.forget(refused);
      const named = (chosen.parameters.get("scope") ?? "").split(" ").filter((scope) => scope.includes(":"));
      return mergeScopes([...scopes, ...named]);
    },
    identity: (signal) => untilAborted(identify(), signal),
  };
}

/** Looks once, when first asked. */
function createIdentity({ endpoint, credentials, lifetime }: AuthorizerOptions): () => Promise<Identity> {
  const { places } = credentials;
  async function look(): Promise<Identity> {
    try {
      return { found: await credentials.find(endpoint.name, lifetime), problem: undefined, places };
    } catch (error) {
      if (error instanceof CredentialError) return { found: undefined, problem: error, places };
      throw error;
    }
  }
  let identity: Promise<Identity> | undefined;
  return () => {
    identity ??= look();
    // Whoever waits sees the failure; that nobody waits any more is none.
    identity.catch(() => undefined);
    return identity;
  };
}
