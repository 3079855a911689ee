/** A cipher without encryption: encryption has its own tests. */
export const plainCipher = {
  encrypt: async (text: string) => text,
  decrypt: async (text: string) => text,
};
