/// Memory maps as Linux prints them: `/proc/iomem` and the log of a boot.
package dev.bifolio.lab.text;
