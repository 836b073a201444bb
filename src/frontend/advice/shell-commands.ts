/** A simple command of a shell, as far as can be told without running it. */
export interface ShellCommand {
  /** Quotes and escapes are taken off. Assignments, reserved words and redirections are left out. */
  readonly words: readonly ShellWord[];
}

export interface ShellWord {
  readonly text: string;
  /** False where variables or substitutions have a part in it; they stand in `text` as they were written. */
  readonly literal: boolean;
}

/** All simple commands of a POSIX shell's text, those in substitutions, subshells and branches too. Text that is none gives what can be made of it. */
export function shellCommands(text: string): readonly ShellCommand[] {
  const reader = new ShellReader(text);
  reader.readCommands(undefined, 0);
  return reader.commands;
}

/** Substitutions within substitutions; deeper ones are read as plain text. */
const DEPTH_MAX = 40;
const RESERVED = new Set(["!", "{", "}", "do", "done", "elif", "else", "esac", "fi", "if", "then", "time", "until", "while"]);
const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/;
const SEPARATORS = "\n;&|()";

class ShellReader {
  readonly commands: ShellCommand[] = [];
  readonly #text: string;
  #at = 0;
  #hereDelimiters: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to `stop`, which is taken, or to the end. */
  readCommands(stop: ")" | "`" | undefined, depth: number): void {
    let words: ShellWord[] = [];
    const finish = (): void => {
      const command = trimCommand(words);
      if (command.length > 0) this.commands.push({ words: command });
      words = [];
    };
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (char === stop) {
        this.#at++;
        break;
      }
      if (char === " " || char === "\t" || char === "\r") this.#at++;
      else if (char === "#") this.#skipPast(/\n|$/g, true);
      else if (/^&?[<>]/.test(this.#text.slice(this.#at, this.#at + 2))) this.#redirect(stop, depth);
      else if (SEPARATORS.includes(char)) {
        this.#at++;
        finish();
        if (char === "\n") this.#skipHereDocuments();
      } else {
        const word = this.#word(stop, depth);
        // A number right before `>` is a descriptor.
        if (!(/^\d+$/.test(word.text) && /[<>]/.test(this.#text.charAt(this.#at)))) words.push(word);
      }
    }
    finish();
  }

  /** An operator and the word that it is about. */
  #redirect(stop: ")" | "`" | undefined, depth: number): void {
    const operator = /^(?:&>>?|<<<|<<-?|<>|>>|>\||[<>]&|[<>])/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0] ?? "";
    this.#at += operator.length;
    if (this.#text.charAt(this.#at) === "(") {
      this.#at++;
      this.#nested(")", depth);
      return;
    }
    while (/[ \t]/.test(this.#text.charAt(this.#at))) this.#at++;
    if (this.#at >= this.#text.length || SEPARATORS.includes(this.#text.charAt(this.#at))) return;
    const { text } = this.#word(stop, depth);
    if (operator === "<<" || operator === "<<-") this.#hereDelimiters.push(text);
  }

  #skipHereDocuments(): void {
    for (const delimiter of this.#hereDelimiters) {
      for (let line = this.#line(); line !== undefined && line.replace(/^\t+/, "") !== delimiter; ) line = this.#line();
    }
    this.#hereDelimiters = [];
  }

  #line(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const feed = this.#text.indexOf("\n", this.#at);
    const end = feed === -1 ? this.#text.length : feed;
    const line = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return line;
  }

  #word(stop: ")" | "`" | undefined, depth: number): ShellWord {
    let text = "";
    let literal = true;
    const start = this.#at;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at);
      if (this.#at > start && (char === stop || /[\s;&|()<>]/.test(char))) break;
      if (char === "'") text += this.#singleQuoted();
      else if (char === '"') {
        const quoted = this.#doubleQuoted(depth);
        text += quoted.text;
        literal &&= quoted.literal;
      } else if (char === "\\") text += this.#escaped();
      else if (char === "$" || char === "`") {
        text += this.#substitution(depth);
        literal = false;
      } else {
        text += char;
        this.#at++;
      }
    }
    return { text, literal };
  }

  #escaped(): string {
    const char = this.#text.charAt(this.#at + 1);
    this.#at += 2;
    return char === "\n" ? "" : char;
  }

  #singleQuoted(): string {
    const start = this.#at + 1;
    this.#at = start;
    this.#skipPast(/'|$/g, false);
    return this.#text.slice(start, this.#at - 1);
  }

  #doubleQuoted(depth: number): ShellWord {
    let text = "";
    let literal = true;
    this.#at++;
    for (let char = this.#text.charAt(this.#at); char !== "" && char !== '"'; char = this.#text.charAt(this.#at)) {
      if (char === "\\") text += this.#escaped();
      else if (char === "$" || char === "`") {
        text += this.#substitution(depth);
        literal = false;
      } else {
        text += char;
        this.#at++;
      }
    }
    this.#at++;
    return { text, literal };
  }

  /** `$name`, `${…}`, `$(…)`, `$((…))` or `` `…` ``: the text of it, its commands among the others. */
  #substitution(depth: number): string {
    const start = this.#at;
    const rest = this.#text.slice(start, start + 3);
    this.#at++;
    if (rest.startsWith("$((")) this.#skipPast(/\)\)|$/g, false);
    else if (rest.startsWith("$(")) {
      this.#at++;
      this.#nested(")", depth);
    } else if (rest.startsWith("`")) this.#nested("`", depth);
    else if (rest.startsWith("${")) this.#skipPast(/\}|$/g, false);
    return this.#text.slice(start, this.#at);
  }

  #nested(stop: ")" | "`", depth: number): void {
    if (depth < DEPTH_MAX) this.readCommands(stop, depth + 1);
  }

  /** `keep` leaves the match to be read. */
  #skipPast(pattern: RegExp, keep: boolean): void {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    this.#at = match === null ? this.#text.length : match.index + (keep ? 0 : Math.max(match[0].length, 1));
  }
}

function trimCommand(words: readonly ShellWord[]): readonly ShellWord[] {
  const first = words.findIndex(({ text }) => !RESERVED.has(text) && !ASSIGNMENT.test(text));
  return first === -1 ? [] : words.slice(first);
}
