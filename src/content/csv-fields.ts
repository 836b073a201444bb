/** A value of the command line that is not one CSV record. The text is that of the Go library which buildx uses. */
export class CsvFieldsError extends Error {
  override readonly name = "CsvFieldsError";
  readonly code = "usage";
  readonly retryable = false;
}

/**
 * The fields of one CSV record, as flags such as `--attest` take them: a field may be quoted as a whole (`"name=a,b"`),
 * and a quotation mark within is doubled. One line ending at the end is no part of it. Throws CsvFieldsError.
 */
export function csvFields(text: string): readonly string[] {
  const record = text.replace(/\r?\n$/, "");
  if (record === "") throw new CsvFieldsError("EOF");
  const fields: string[] = [];
  for (let at = 0; ; at++) {
    const field = record[at] === '"' ? quotedField(record, at) : plainField(record, at);
    fields.push(field.value);
    at = field.end;
    if (at >= record.length) return fields;
  }
}

interface Field {
  readonly value: string;
  /** Where the comma after it stands, or the end. */
  readonly end: number;
}

function plainField(record: string, start: number): Field {
  const comma = record.indexOf(",", start);
  const end = comma === -1 ? record.length : comma;
  const value = record.slice(start, end);
  const quote = value.indexOf('"');
  if (quote !== -1) throw parseError(record, start + quote, 'bare " in non-quoted-field');
  return { value, end };
}

function quotedField(record: string, start: number): Field {
  let value = "";
  for (let from = start + 1; ; ) {
    const quote = record.indexOf('"', from);
    if (quote === -1) throw parseError(record, record.length, 'extraneous or missing " in quoted-field');
    value += record.slice(from, quote);
    const next = record[quote + 1];
    if (next === undefined || next === ",") return { value, end: quote + 1 };
    if (next !== '"') throw parseError(record, quote, 'extraneous or missing " in quoted-field');
    value += '"';
    from = quote + 2;
  }
}

/** Columns count bytes from 1. */
function parseError(record: string, at: number, finding: string): CsvFieldsError {
  return new CsvFieldsError(`parse error on line 1, column ${Buffer.byteLength(record.slice(0, at)) + 1}: ${finding}`);
}
