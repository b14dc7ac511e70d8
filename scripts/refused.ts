/** Raised where nothing is done for want of something that only the user can say; the message tells it. */
export class Refused extends Error {
  override readonly name = "Refused";
}
