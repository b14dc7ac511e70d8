import * as z from "zod";

/** A query parameter that may be given once; API Gateway hands over a list of each. */
export const one = <Schema extends z.ZodType>(schema: Schema) => z.tuple([schema]).transform(([only]) => only);

/** A query parameter is text on the wire; the document shows the number that it stands for. */
export function wholeNumber(minimum: number, maximum: number, standard: number) {
  const text = z
    .string()
    .refine((digits) => /^\d{1,9}$/.test(digits), "must be a whole number")
    .meta({ type: "integer", minimum, maximum, default: standard });
  return one(text.transform(Number).pipe(z.int().min(minimum).max(maximum)))
    .optional()
    .transform((number) => number ?? standard);
}
