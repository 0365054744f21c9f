Package: base-files
Version: 12.4
