/** No client can be written until this machine or the folder changes; the message says what to do. */
export class ClientNotWritten extends Error {
  override readonly name = "ClientNotWritten";
}
