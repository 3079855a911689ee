/** A manifest that cannot be delivered as it stands; the message is a sentence for its author. */
export class ManifestInvalid extends Error {
  override readonly name = "ManifestInvalid";
}
