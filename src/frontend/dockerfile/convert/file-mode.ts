import { InstructionError } from "../dockerfile-error.ts";

const MODE_MAX = 0o7777;
/** chmod(1): who, then what is to be done with which bits, several times, several with commas between. */
const SYMBOLIC = /^[augo]*(?:[+=-][rstwXxugo]*)+(?:,[augo]*(?:[+=-][rstwXxugo]*)+)*$/;

/** The value of `--chmod`: permission bits, a symbolic mode, or undefined when empty. Throws InstructionError. */
export function parseChmod(text: string): number | string | undefined {
  if (text === "") return undefined;
  const bits = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
  if (bits !== undefined && bits <= MODE_MAX) return bits;
  if (/^[0-9]/.test(text)) throw new InstructionError(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
  if (!SYMBOLIC.test(text)) throw new InstructionError("invalid syntax");
  return text;
}
