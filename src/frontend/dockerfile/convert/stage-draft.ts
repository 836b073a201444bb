import { stateOf, type State } from "../../../llb/state.ts";
import type { Platform } from "../../../oci/platform.ts";
import { toLower } from "../go-text.ts";
import type { ArgPair, Instruction, Stage } from "../instruction.ts";
import type { NamedContext } from "../named-context.ts";
import type { Range } from "../source-range.ts";
import { StageParameters } from "./parameters.ts";
import { blankImage, copyImage, type DockerImage } from "./docker-image.ts";

/** An instruction with the stages that it takes files from. */
export interface Command {
  readonly instruction: Instruction;
  readonly sources: readonly StageDraft[];
  /** True where it stands in the base image, not in this Dockerfile. */
  readonly isTrigger: boolean;
}

/** Where an instruction that only the last of its kind counts stood before. */
export type OnceOnly = "cmd" | "entrypoint" | "healthcheck";

/**
 * A stage while it is converted, and its image so far. Also what `COPY --from=IMAGE` and
 * `RUN --mount=from=IMAGE` take files from: a stage with no name and no instructions.
 */
export class StageDraft {
  readonly declaration: Pick<Stage, "stageName" | "original" | "location" | "comments">;
  /** Expanded, and once resolved with its tag and digest. */
  baseName: string;
  /** As shown in the names of steps: empty where the file has one stage only. */
  shownName: string;
  readonly isImplicit: boolean;
  base: StageDraft | undefined;
  commands: Command[] = [];
  /** Stage → the last instruction here that takes files from it. */
  readonly dependencies: Map<StageDraft, Instruction> = new Map();
  namedContext: NamedContext | undefined;

  state: State = stateOf(undefined);
  image: DockerImage = blankImage();
  baseImage: { readonly image: DockerImage; readonly created: string } | undefined;
  platform: Platform | undefined;
  isResolved = false;
  isConverted = false;
  hasBaseTriggers = false;

  /** ARGs in order, those of the base behind. */
  readonly buildArgs: ArgPair[] = [];
  /** What is used of the build context. */
  readonly contextPaths: Set<string> = new Set();
  /** What is used of this stage; one set for it and all stages built on it. */
  paths: Set<string> = new Set();
  isWorkdirSet = false;
  readonly lastPlaces: Map<OnceOnly, readonly Range[]> = new Map();

  /** What this stage, without its base, takes from outside. */
  readonly parameters: StageParameters = new StageParameters();

  ignoresCache = false;
  stepTotal = 0;
  stepIndex = 0;
  /** What SBOM scans are to look at. */
  scansContext = false;
  scansStage = false;

  constructor(declaration: StageDraft["declaration"], baseName: string, isImplicit: boolean) {
    this.declaration = declaration;
    this.baseName = baseName;
    this.shownName = declaration.stageName;
    this.isImplicit = isImplicit;
  }

  /** Takes over what the base stage has come to. */
  inherit(): void {
    const { base } = this;
    if (base === undefined) return;
    this.state = base.state;
    this.platform = base.platform;
    this.image = copyImage(base.image);
    // Triggers fire in the stage built on it, and there only.
    this.image.config.onbuild = [];
    this.baseImage = base.baseImage;
    this.paths = base.paths;
    this.isWorkdirSet = base.isWorkdirSet;
    this.buildArgs.push(...base.buildArgs);
  }

  /** This stage and all that it needs. */
  reachable(found: Set<StageDraft> = new Set()): ReadonlySet<StageDraft> {
    const pending: StageDraft[] = [this];
    for (let stage = pending.pop(); stage !== undefined; stage = pending.pop()) {
      if (found.has(stage)) continue;
      found.add(stage);
      pending.push(...stage.dependencies.keys(), ...(stage.base === undefined ? [] : [stage.base]));
    }
    return found;
  }
}

/** All stages in order, the implicit ones behind those of the file. */
export class StageTable {
  readonly #stages: StageDraft[] = [];
  readonly #byName = new Map<string, StageDraft>();

  get all(): readonly StageDraft[] {
    return this.#stages;
  }

  /** A stage whose base has the name of an earlier one is built on that. */
  add(stage: StageDraft): void {
    this.#stages.push(stage);
    stage.base = this.#byName.get(stage.baseName);
    if (stage.declaration.stageName !== "") this.#byName.set(toLower(stage.declaration.stageName), stage);
  }

  named(name: string): StageDraft | undefined {
    return this.#byName.get(toLower(name));
  }

  shownNames(): readonly string[] {
    return this.#stages.map(({ shownName }) => shownName).filter((name) => name !== "");
  }
}
