# beta-lib
