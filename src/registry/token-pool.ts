import type { AuthorizerOptions, Identity } from "./authorizer.ts";
import type { Challenge } from "./challenge.ts";
import { coversScopes, type Scope } from "./scope.ts";
import { fetchToken, type Token } from "./token-service.ts";
import { untilAborted } from "../host/until-aborted.ts";

/** Tokens of one server: fetched once for all who need the same, used as long as they last. */
export interface TokenPool {
  headerFor(scopes: readonly Scope[], asked: Challenge, signal: AbortSignal): Promise<string>;
  /** Lets go of the token that made this header: the registry does not take it. */
  forget(header: string | undefined): void;
}

/** A token is renewed before it ends, as it still has a way to go. */
const TOKEN_MARGIN_MS = 10_000;

interface TimedToken extends Token {
  readonly untilMs: number;
}

interface HeldToken {
  readonly scopes: readonly Scope[];
  readonly token: Promise<TimedToken>;
  /** What it looks like in a request, once it is here. */
  header: string | undefined;
}

export function createTokenPool({ endpoint, http, clock, lifetime }: AuthorizerOptions, identify: () => Promise<Identity>): TokenPool {
  let tokens: readonly HeldToken[] = [];

  async function request(scopes: readonly Scope[], challenge: Challenge): Promise<TimedToken> {
    const { found } = await identify();
    if (found?.credential.kind === "bearer") return { value: found.credential.token, scopes, lifetimeMs: Infinity, untilMs: Infinity };
    const token = await fetchToken(http, { challenge, scopes, credential: found?.credential, tls: endpoint.tls, registry: endpoint.base }, lifetime);
    return { ...token, untilMs: clock.now().getTime() + token.lifetimeMs - TOKEN_MARGIN_MS };
  }

  function hold(scopes: readonly Scope[], challenge: Challenge): HeldToken {
    const held: HeldToken = { scopes, token: request(scopes, challenge), header: undefined };
    held.token.then(
      ({ value }) => (held.header = `Bearer ${value}`),
      () => drop((other) => other === held),
    );
    tokens = [...tokens, held];
    return held;
  }

  function drop(which: (held: HeldToken) => boolean): void {
    tokens = tokens.filter((held) => !which(held));
  }

  return {
    async headerFor(scopes, challenge, signal) {
      const known = tokens.find((held) => coversScopes(held.scopes, scopes));
      const held = known ?? hold(scopes, challenge);
      const token = await untilAborted(held.token, signal);
      if (known === undefined || clock.now().getTime() < token.untilMs) return `Bearer ${token.value}`;
      drop((other) => other === held);
      return await this.headerFor(scopes, challenge, signal);
    },
    forget: (header) => drop((held) => header !== undefined && held.header === header),
  };
}
