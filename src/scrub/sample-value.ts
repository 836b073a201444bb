/** Words of documents, within anything: nobody's dice fall so, in letters of one kind. A shorter one has to stand at a word's end or beginning. */
const WORD = /example|Example|EXAMPLE|placeholder|Placeholder|PLACEHOLDER|sample|Sample|SAMPLE|(?<![A-Za-z0-9])(?:dummy|Dummy|DUMMY)|(?:dummy|Dummy|DUMMY)(?![A-Za-z0-9])/;
/** Characters that follow each other as nobody's dice would let them, which they do in fours here and there. */
const FILLER_CHARACTERS_MIN = 4;
/** Of the letters and digits of a value that is a sample. */
const FILLER_SHARE_MIN = 0.5;

/**
 * Whether a value is one as issuers write them in their own documents: `AKIAIOSFODNN7EXAMPLE`, `xoxb-000000000000-xxxxxxxx`,
 * `ghp_1234567890abcdef…`. In a long random value a short run of equal characters is no rarity, so at least half of it has to be filler.
 */
export function isSample(value: string): boolean {
  if (WORD.test(value)) return true;
  const text = value.toLowerCase();
  const lettersAndDigits = text.replace(/[^a-z0-9]/g, "").length;
  return fillerCharacters(text) >= lettersAndDigits * FILLER_SHARE_MIN;
}

/** In runs of equal characters (`xxxx`), and of neighbours in their order (`abcd`, `6789012`, `4321`). */
function fillerCharacters(text: string): number {
  let filler = 0;
  for (let start = 0; start < text.length; ) {
    const step = stepAt(text, start);
    let end = start + 1;
    while (step !== undefined && stepAt(text, end - 1) === step) end++;
    if (end - start >= FILLER_CHARACTERS_MIN) filler += end - start;
    // The last character of a run may be the first of another; of one that counts it is not counted twice.
    start = end - start >= FILLER_CHARACTERS_MIN ? end : start + 1;
  }
  return filler;
}

/** From a character to the next, where these are the same or neighbours. Behind 9 comes 0. */
function stepAt(text: string, at: number): number | undefined {
  const [a = "", b = ""] = [text[at], text[at + 1]];
  if (!/[a-z0-9]/.test(a) || !/[a-z0-9]/.test(b)) return undefined;
  const step = b.charCodeAt(0) - a.charCodeAt(0);
  if (step === -9 && a === "9") return 1;
  if (step === 9 && b === "9") return -1;
  return Math.abs(step) <= 1 ? step : undefined;
}
