/** The variables a caller lends us. Nothing below the command reads the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>;
