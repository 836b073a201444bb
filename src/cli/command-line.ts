import { parseArgs, type ParseArgsConfig } from "node:util";
import { UsageError } from "./usage-error.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>>;

/** Parses the arguments of a command. Throws UsageError, which names the command. */
export function parseCommandLine<O extends Options>(command: string, args: readonly string[], options: O): Parsed<O> {
  try {
    return parseArgs({ args: withoutBooleans(args, options), options, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw new UsageError(`${command}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `--flag=false`, as Go's flags have it: what node:util calls `--no-flag`. */
function withoutBooleans(args: readonly string[], options: Options): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    const [, name = "", value = ""] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    if (options[name]?.type !== "boolean" || (end !== -1 && index > end)) return arg;
    return flagBoolean(name, value) ? `--${name}` : `--no-${name}`;
  });
}

/** The words that Go takes for a boolean; undefined for all others. */
export function booleanOf(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

/** `--flag=value` as Go's flags read it. Throws UsageError in their words. */
export function flagBoolean(name: string, value: string): boolean {
  const parsed = booleanOf(value);
  if (parsed !== undefined) return parsed;
  throw new UsageError(`invalid argument ${JSON.stringify(value)} for "--${name}" flag: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax; use true or false`);
}

/** The one argument that is not a flag. */
export function onlyArgument(command: string, what: string, positionals: readonly string[]): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError(`${command}: takes one ${what}, not ${positionals.length}`);
  return name;
}

/** A value that must be one of these; undefined where the flag was not given. */
export function oneOf<T extends string>(command: string, flag: string, value: string | undefined, values: readonly T[]): T | undefined {
  const found = values.find((one) => one === value);
  if (value !== undefined && found === undefined) throw new UsageError(`${command}: --${flag} ${JSON.stringify(value)}: ${values.join(" or ")}`);
  return found;
}
