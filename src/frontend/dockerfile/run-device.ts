import { CsvError, csvFields } from "./csv-fields.ts";
import { InstructionError } from "./dockerfile-error.ts";
import { cut, parseBool, toLower } from "./go-text.ts";
import type { RunDevice } from "./instruction.ts";
import { withSuggestion } from "./suggestion.ts";

/** The value of `RUN --device`: a device's CDI name, plain or as `name=…`, and `required`. */
export function parseRunDevice(text: string): RunDevice {
  let name = "";
  let required = false;
  for (const field of fieldsOf(text)) {
    const { before, after, found } = cut(field, "=");
    const key = toLower(before);
    if (key === "required") required = found ? boolean(after) : true;
    else if (found && key === "name") {
      if (name !== "") throw new InstructionError(`device name already set to ${name}`);
      name = after;
    } else if (name === "") name = field;
    else if (!found) throw new InstructionError(`invalid field '${field}' must be a key=value pair`);
    else throw new InstructionError(withSuggestion(`unexpected key '${key}' in '${field}'`, key, ["name", "required"], true));
  }
  return { name, required };
}

function boolean(value: string): boolean {
  const bool = parseBool(value);
  if (bool === undefined) throw new InstructionError(`invalid value for required: ${value}`);
  return bool;
}

function fieldsOf(text: string): readonly string[] {
  try {
    return csvFields(text);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new InstructionError(`failed to parse csv devices: ${error.message}`);
  }
}
