import type { Range } from "../source-range.ts";

/** An argument that a build takes. */
export interface ArgParameter {
  readonly name: string;
  readonly description: string;
  /** Empty where there is none. */
  readonly value: string;
  readonly location: readonly Range[];
}

/** A secret or an SSH agent that a build takes. */
export interface AccessParameter {
  readonly name: string;
  readonly required: boolean;
  readonly location: readonly Range[];
}

/** A global argument, with the names of those that its default is made of. */
export interface GlobalParameter extends ArgParameter {
  readonly needs: ReadonlySet<string>;
}

/** What one stage takes from outside; of each name the first place counts for secrets and agents, the last for arguments. */
export class StageParameters {
  /** Names of the arguments that it declares, or that its FROM line is made of. */
  readonly used: Set<string> = new Set();
  readonly args: Map<string, ArgParameter> = new Map();
  readonly secrets: Map<string, AccessParameter> = new Map();
  readonly sshSockets: Map<string, AccessParameter> = new Map();

  addSecret(parameter: AccessParameter): void {
    if (!this.secrets.has(parameter.name)) this.secrets.set(parameter.name, parameter);
  }

  addSsh(parameter: AccessParameter): void {
    if (!this.sshSockets.has(parameter.name)) this.sshSockets.set(parameter.name, parameter);
  }
}
