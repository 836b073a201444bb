/**
 * Holds one row of a table against our function; throws where they differ.
 * The name of the table says what its rows are, so each check names the form of its own.
 */
export type RowCheck = (row: never, file: never) => void;

/** `FILE#TABLE`, `FILE#TABLE:LINE` where a test has several tables, `FILE#TABLE/FUNCTION` where rows name a function. */
export type RowChecks = Readonly<Record<string, RowCheck>>;
