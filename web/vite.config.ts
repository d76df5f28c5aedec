import { defineConfig } from "vite";

// No polyfill and no inlined file: the content security policy takes scripts and styles from this origin's files alone.
export default defineConfig({
  build: { outDir: "../dist/web", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
});
