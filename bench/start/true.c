/* The smallest workload there is. */
int main(void)
{
    return 0;
}
