import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running installation. */
const installation = "http://127.0.0.1:8400";

export default defineConfig({
  plugins: [react()],
  // Decoded: a folder may have blanks and letters of any language in its name.
  resolve: { alias: { "@": decodeURIComponent(new URL("./src", import.meta.url).pathname) } },
  build: {
    target: "es2023",
    // A data: address would need an exception in the content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: Object.fromEntries(
      // The host stays the browser's own, since the portal compares it with the origin (CSRF).
      ["/api", "/_allauth", "/v1"].map((path) => [path, { target: installation, changeOrigin: false }]),
    ),
  },
  test: {
    environment: "jsdom",
    globals: true,
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    css: false,
    testTimeout: 90_000,
  },
});
