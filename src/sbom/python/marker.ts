/** What is known of where a program runs; what is not known decides nothing. */
export interface MarkerEnvironment {
  /** `3.11`, of the folder that a package lies in. */
  readonly pythonVersion: string | undefined;
}

const TOKEN = /\s*(?:(\(|\))|(===|~=|==|!=|<=|>=|<|>)|"([^"]*)"|'([^']*)'|([A-Za-z_][A-Za-z0-9_.]*))/y;
/** Parentheses within parentheses. A bound on what a hostile text can make us recurse. */
const DEPTH_MAX = 50;

interface Value {
  /** Undefined where it is not known. */
  readonly text: string | undefined;
  readonly isVersion: boolean;
}

/**
 * Whether an environment marker (PEP 508) holds: of a container of ours, a Linux, without extras. Undefined where that cannot
 * be told, also for what is no marker.
 */
export function markerHolds(marker: string, environment: MarkerEnvironment): boolean | undefined {
  const tokens = tokensOf(marker);
  if (tokens === undefined) return undefined;
  try {
    const reader = new MarkerReader(tokens, environment);
    const answer = reader.either(0);
    return reader.isAtEnd ? answer : undefined;
  } catch (error) {
    if (error instanceof NoMarker) return undefined;
    throw error;
  }
}

class NoMarker extends Error {}

type Token = { readonly kind: "sign" | "word" | "text"; readonly text: string };

function tokensOf(marker: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = marker.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const [, parenthesis, operator, double, single, word] = TOKEN.exec(marker) ?? [];
    const quoted = double ?? single;
    if (quoted !== undefined) tokens.push({ kind: "text", text: quoted });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if ((parenthesis ?? operator) !== undefined) tokens.push({ kind: "sign", text: parenthesis ?? operator ?? "" });
    else return undefined;
  }
  return tokens;
}

/** Throws NoMarker. Unknown or true is true, unknown and false is false. */
class MarkerReader {
  readonly #tokens: readonly Token[];
  readonly #environment: MarkerEnvironment;
  #at = 0;

  constructor(tokens: readonly Token[], environment: MarkerEnvironment) {
    this.#tokens = tokens;
    this.#environment = environment;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  either(depth: number): boolean | undefined {
    let answer = this.#both(depth);
    while (this.#take("or")) {
      const other = this.#both(depth);
      answer = answer === true || other === true ? true : answer === undefined || other === undefined ? undefined : false;
    }
    return answer;
  }

  #both(depth: number): boolean | undefined {
    let answer = this.#one(depth);
    while (this.#take("and")) {
      const other = this.#one(depth);
      answer = answer === false || other === false ? false : answer === undefined || other === undefined ? undefined : true;
    }
    return answer;
  }

  #one(depth: number): boolean | undefined {
    if (depth > DEPTH_MAX) throw new NoMarker();
    if (!this.#take("(")) return compare(this.#value(), this.#operator(), this.#value());
    const answer = this.either(depth + 1);
    if (!this.#take(")")) throw new NoMarker();
    return answer;
  }

  #operator(): string {
    if (this.#take("not")) return this.#take("in") ? "not in" : "";
    if (this.#take("in")) return "in";
    const token = this.#next();
    if (token.kind !== "sign") throw new NoMarker();
    return token.text;
  }

  #value(): Value {
    const token = this.#next();
    if (token.kind === "sign") throw new NoMarker();
    return token.kind === "text" ? { text: token.text, isVersion: false } : variable(token.text, this.#environment);
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new NoMarker();
    this.#at += 1;
    return token;
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === "text" || token.text !== text) return false;
    this.#at += 1;
    return true;
  }
}

function variable(name: string, { pythonVersion }: MarkerEnvironment): Value {
  switch (name) {
    case "os_name": case "os.name":
      return { text: "posix", isVersion: false };
    case "sys_platform": case "sys.platform":
      return { text: "linux", isVersion: false };
    case "platform_system":
      return { text: "Linux", isVersion: false };
    case "extra":
      return { text: "", isVersion: false };
    case "python_version":
      return { text: pythonVersion, isVersion: true };
    default:
      return { text: undefined, isVersion: false };
  }
}

function compare(left: Value, operator: string, right: Value): boolean | undefined {
  if (left.text === undefined || right.text === undefined) return undefined;
  if (operator === "in") return right.text.includes(left.text);
  if (operator === "not in") return !right.text.includes(left.text);
  const order = left.isVersion || right.isVersion ? compareReleases(left.text, right.text) : undefined;
  switch (operator) {
    case "==": case "===":
      return order === undefined ? left.text === right.text : order === 0;
    case "!=":
      return order === undefined ? left.text !== right.text : order !== 0;
    case "<":
      return order === undefined ? undefined : order < 0;
    case "<=":
      return order === undefined ? undefined : order <= 0;
    case ">":
      return order === undefined ? undefined : order > 0;
    case ">=":
      return order === undefined ? undefined : order >= 0;
    default:
      return undefined;
  }
}

/** Of plain releases, as interpreters have them; undefined for others, as `3.*`. */
function compareReleases(a: string, b: string): number | undefined {
  if (!/^\d{1,9}(?:\.\d{1,9}){0,5}$/.test(a) || !/^\d{1,9}(?:\.\d{1,9}){0,5}$/.test(b)) return undefined;
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  for (let index = 0; index < 6; index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
